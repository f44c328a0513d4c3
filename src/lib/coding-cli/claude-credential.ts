// What Claude Code signs in with: a token or key that was given, or the folder that its own sign-in left.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ClaudeCredentialSource {
  oauthToken?: string | undefined;
  apiKey?: string | undefined;
  /** The folder that holds `.credentials.json`. */
  home?: string | undefined;
}

/** As environment variables for the program; null: there is none, or the stored one has expired. */
export function claudeCredential(source: ClaudeCredentialSource, nowMs: number): Readonly<Record<string, string>> | null {
  if (source.oauthToken !== undefined) return { CLAUDE_CODE_OAUTH_TOKEN: source.oauthToken };
  if (source.apiKey !== undefined) return { ANTHROPIC_API_KEY: source.apiKey };
  const stored = source.home === undefined ? null : storedToken(join(source.home, '.credentials.json'), nowMs);
  return stored === null ? null : { CLAUDE_CODE_OAUTH_TOKEN: stored };
}

function storedToken(file: string, nowMs: number): string | null {
  try {
    const { claudeAiOauth } = JSON.parse(readFileSync(file, 'utf8')) as { claudeAiOauth?: { accessToken?: unknown; expiresAt?: unknown } };
    const { accessToken, expiresAt } = claudeAiOauth ?? {};
    if (typeof accessToken !== 'string' || accessToken === '') return null;
    // Milliseconds since the epoch.
    return typeof expiresAt === 'number' && expiresAt <= nowMs ? null : accessToken;
  } catch {
    return null;
  }
}
