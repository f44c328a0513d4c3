// The session cookie: not readable by scripts, not sent by other sites, of its own name per port (cookies do not know ports).

export interface SessionCookie {
  name: string;
  /** The secret in a `Cookie` header, if it has one. */
  read(header: string | undefined): string | undefined;
  /** `Set-Cookie` that keeps the secret until then. */
  set(secret: string, maxAgeSeconds: number): string;
  /** `Set-Cookie` that takes it away. */
  clear(): string;
}

/** @param secure reached by https: then no other host, and no page without TLS, can set or see it. */
export function sessionCookie(port: number, secure: boolean): SessionCookie {
  const name = `${secure ? '__Host-' : ''}seed_session_${port}`;
  const flags = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return {
    name,
    read(header) {
      for (const part of header?.split(';') ?? []) {
        const equals = part.indexOf('=');
        if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
      }
      return undefined;
    },
    set: (secret, maxAgeSeconds) => `${name}=${secret}; Max-Age=${maxAgeSeconds}; ${flags}`,
    clear: () => `${name}=; Max-Age=0; ${flags}`,
  };
}
