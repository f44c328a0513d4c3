// TextEncoder and TextDecoder for UTF-8, the only encoding an agent is given (https://encoding.spec.whatwg.org).

export function installTextEncoding(global: Record<string, unknown>): void {
  class GuestTextEncoder {
    get encoding(): string {
      return 'utf-8';
    }

    encode(input: unknown = ''): Uint8Array {
      const text = String(input);
      // Three bytes for each code unit are always enough: a pair of surrogates takes four for two.
      const bytes = new Uint8Array(text.length * 3);
      const { written } = this.encodeInto(text, bytes);
      return bytes.slice(0, written);
    }

    encodeInto(source: string, target: Uint8Array): { read: number; written: number } {
      let read = 0;
      let written = 0;
      while (read < source.length) {
        let point = source.codePointAt(read) as number;
        const units = point > 0xffff ? 2 : 1;
        if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
        const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        if (written + size > target.length) break;
        if (size === 1) target[written] = point;
        else {
          target[written] = (0xf00 >> size) | (point >> (6 * (size - 1)));
          for (let index = 1; index < size; index += 1) target[written + index] = 0x80 | ((point >> (6 * (size - 1 - index))) & 0x3f);
        }
        written += size;
        read += units;
      }
      return { read, written };
    }
  }

  const names = new Set(['unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'utf-8', 'utf8', 'x-unicode20utf8']);

  class GuestTextDecoder {
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    #point = 0;
    #missing = 0;
    #lower = 0x80;
    #upper = 0xbf;
    #atStart = true;

    constructor(label: unknown = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
      if (!names.has(String(label).trim().toLowerCase()))
        throw new RangeError(`the encoding ${String(label)} is not supported, only utf-8 is`);
      this.fatal = Boolean(options.fatal);
      this.ignoreBOM = Boolean(options.ignoreBOM);
    }

    get encoding(): string {
      return 'utf-8';
    }

    decode(input?: ArrayBuffer | ArrayBufferView, options: { stream?: boolean } = {}): string {
      const bytes = this.#bytes(input);
      const points: number[] = [];
      let text = '';
      const add = (point: number): void => {
        const bom = this.#atStart && point === 0xfeff && !this.ignoreBOM;
        this.#atStart = false;
        if (bom) return;
        points.push(point);
        if (points.length < 4096) return;
        text += String.fromCodePoint(...points);
        points.length = 0;
      };
      try {
        for (let index = 0; index < bytes.length; index += 1) if (this.#take(bytes[index] as number, add)) index -= 1;
        if (!options.stream && this.#missing > 0) {
          this.#forget();
          this.#malformed(add);
        }
      } finally {
        if (!options.stream) {
          this.#forget();
          this.#atStart = true;
        }
      }
      return text + String.fromCodePoint(...points);
    }

    #bytes(input?: ArrayBuffer | ArrayBufferView): Uint8Array {
      if (input === undefined) return new Uint8Array(0);
      if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
      return new Uint8Array(input);
    }

    #forget(): void {
      this.#point = 0;
      this.#missing = 0;
      this.#lower = 0x80;
      this.#upper = 0xbf;
    }

    #malformed(add: (point: number) => void): void {
      if (this.fatal) throw new TypeError('the bytes are not valid UTF-8');
      add(0xfffd);
    }

    /** True when the byte must be looked at again: it did not continue the one before. */
    #take(byte: number, add: (point: number) => void): boolean {
      if (this.#missing === 0) {
        if (byte < 0x80) add(byte);
        else if (byte >= 0xc2 && byte <= 0xdf) this.#begin(byte & 0x1f, 1);
        else if (byte >= 0xe0 && byte <= 0xef) {
          this.#begin(byte & 0xf, 2);
          if (byte === 0xe0) this.#lower = 0xa0;
          if (byte === 0xed) this.#upper = 0x9f;
        } else if (byte >= 0xf0 && byte <= 0xf4) {
          this.#begin(byte & 0x7, 3);
          if (byte === 0xf0) this.#lower = 0x90;
          if (byte === 0xf4) this.#upper = 0x8f;
        } else this.#malformed(add);
        return false;
      }
      if (byte < this.#lower || byte > this.#upper) {
        this.#forget();
        this.#malformed(add);
        return true;
      }
      this.#lower = 0x80;
      this.#upper = 0xbf;
      this.#point = (this.#point << 6) | (byte & 0x3f);
      this.#missing -= 1;
      if (this.#missing === 0) {
        add(this.#point);
        this.#point = 0;
      }
      return false;
    }

    #begin(bits: number, missing: number): void {
      this.#point = bits;
      this.#missing = missing;
    }
  }

  const name = (value: unknown, as: string): void => {
    Object.defineProperty(value, 'name', { value: as, configurable: true });
    Object.defineProperty(global, as, { value, writable: true, enumerable: false, configurable: true });
  };
  name(GuestTextEncoder, 'TextEncoder');
  name(GuestTextDecoder, 'TextDecoder');
}
