// Hosts of URLs (https://url.spec.whatwg.org/#host-parsing): domains, IPv4 in all its spellings, IPv6.
// Names outside ASCII are mapped by NFKC and lower case, which is UTS #46 but for its rare exceptions, and become punycode.

export interface UrlHost {
  /** The host in its serialised form, or null when it is not one. */
  parse(input: string, special: boolean): string | null;
  /** UTF-8 percent-encoding of what is not printable ASCII or is in `set`. */
  encode(text: string, set: string): string;
  decode(text: string): string;
}

export function urlHost(): UrlHost {
  function encode(text: string, set: string): string {
    let out = '';
    for (const char of text) {
      const code = char.codePointAt(0) as number;
      if (code >= 0xd800 && code <= 0xdfff) out += '%EF%BF%BD';
      else if (code > 0x7e) out += encodeURIComponent(char);
      else if (code <= 0x1f || set.includes(char)) out += `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
      else out += char;
    }
    return out;
  }

  function decode(text: string): string {
    if (!text.includes('%')) return text;
    return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      const bytes = new Uint8Array(run.length / 3);
      for (let index = 0; index < bytes.length; index += 1) bytes[index] = Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16);
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    });
  }

  function punycode(label: string): string | null {
    const points = Array.from(label, (char) => char.codePointAt(0) as number);
    let out = points
      .filter((point) => point < 0x80)
      .map((point) => String.fromCharCode(point))
      .join('');
    let handled = out.length;
    const basic = handled;
    if (basic > 0) out += '-';
    let [n, delta, bias] = [0x80, 0, 72];
    while (handled < points.length) {
      const next = Math.min(...points.filter((point) => point >= n));
      delta += (next - n) * (handled + 1);
      if (delta > 0x7fffffff) return null;
      n = next;
      for (const point of points) {
        if (point < n) delta += 1;
        if (point !== n) continue;
        let q = delta;
        for (let k = 36; ; k += 36) {
          const t = Math.min(Math.max(k - bias, 1), 26);
          if (q < t) break;
          const digit = t + ((q - t) % (36 - t));
          out += String.fromCharCode(digit < 26 ? digit + 97 : digit + 22);
          q = Math.floor((q - t) / (36 - t));
        }
        out += String.fromCharCode(q < 26 ? q + 97 : q + 22);
        bias = adapt(delta, { first: handled === basic, count: handled + 1 });
        delta = 0;
        handled += 1;
      }
      delta += 1;
      n += 1;
    }
    return `xn--${out}`;
  }

  function adapt(delta: number, options: { first: boolean; count: number }): number {
    let rest = options.first ? Math.floor(delta / 700) : delta >> 1;
    rest += Math.floor(rest / options.count);
    let k = 0;
    for (; rest > 455; k += 36) rest = Math.floor(rest / 35);
    return k + Math.floor((36 * rest) / (rest + 38));
  }

  function toAscii(domain: string): string | null {
    // Escapes that were no UTF-8.
    if (domain.includes('\ufffd')) return null;
    let mapped = domain.toLowerCase();
    if (!/^\p{ASCII}*$/u.test(mapped)) {
      mapped = domain
        .normalize('NFKC')
        .toLowerCase()
        .normalize('NFC')
        .replace(/[\u00ad\u200b\u2060\ufeff]|[\ufe00-\ufe0f]/gu, '')
        .replace(/[\u3002\uff0e\uff61]/g, '.');
      const labels = mapped.split('.').map((label) => (/^\p{ASCII}*$/u.test(label) ? label : punycode(label)));
      if (labels.includes(null)) return null;
      mapped = labels.join('.');
    }
    return mapped;
  }

  function ipv4Part(part: string): number {
    if (part === '') return Number.NaN;
    if (/^0x[0-9a-f]*$/i.test(part)) return part.length === 2 ? 0 : Number.parseInt(part.slice(2), 16);
    if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
    return /^[1-9][0-9]*$/.test(part) ? Number(part) : Number.NaN;
  }

  /** undefined: not an address but a name. */
  function ipv4(domain: string): string | null | undefined {
    const parts = domain.split('.');
    if (parts.at(-1) === '' && parts.length > 1) parts.pop();
    const last = parts.at(-1) as string;
    if (!/^[0-9]+$/.test(last) && !/^0x[0-9a-f]*$/i.test(last)) return undefined;
    if (parts.length > 4) return null;
    const numbers = parts.map(ipv4Part);
    if (numbers.some(Number.isNaN)) return null;
    const tail = numbers.pop() as number;
    if (numbers.some((number) => number > 255) || tail >= 256 ** (4 - numbers.length)) return null;
    const address = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), tail);
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
  }

  function ipv6(text: string): string | null {
    const halves = text.split('::');
    if (halves.length > 2) return null;
    const pieces: number[][] = [];
    for (const [index, half] of halves.entries()) {
      const words: number[] = [];
      const parts = half === '' ? [] : half.split(':');
      for (const [at, part] of parts.entries()) {
        if (part.includes('.')) {
          if (index !== halves.length - 1 || at !== parts.length - 1) return null;
          const octets = part.split('.');
          if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9][0-9]{0,2})$/.test(octet) && Number(octet) < 256)) return null;
          const [a, b, c, d] = octets.map(Number) as [number, number, number, number];
          words.push(a * 256 + b, c * 256 + d);
        } else if (/^[0-9a-f]{1,4}$/i.test(part)) words.push(Number.parseInt(part, 16));
        else return null;
      }
      pieces.push(words);
    }
    const [before = [], after = []] = pieces;
    const missing = 8 - before.length - after.length;
    if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
    return `[${compressed([...before, ...Array.from({ length: missing }, () => 0), ...after])}]`;
  }

  function compressed(words: readonly number[]): string {
    let best = { at: -1, length: 1 };
    for (let at = 0; at < 8; at += 1) {
      let length = 0;
      while (words[at + length] === 0) length += 1;
      if (length > best.length) best = { at, length };
    }
    const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
    if (best.at < 0) return hex(words);
    return `${hex(words.slice(0, best.at))}::${hex(words.slice(best.at + best.length))}`;
  }

  function parse(input: string, special: boolean): string | null {
    if (input.startsWith('[')) return input.endsWith(']') ? ipv6(input.slice(1, -1)) : null;
    // The standard's list
    if (!special) return /[\0\t\n\r #/:<>?@[\\\]^|]/.test(input) ? null : encode(input, '');
    const domain = toAscii(decode(input));
    // The standard's list
    if (domain === null || domain === '' || /[\0-\x20#%/:<>?@[\\\]^|\x7f]/.test(domain)) return null;
    const address = ipv4(domain);
    return address === undefined ? domain : address;
  }

  return { parse, encode, decode };
}
