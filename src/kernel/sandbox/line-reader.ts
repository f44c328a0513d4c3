// The wire between a host and its parent: one message a line, fields separated by tabs, each a JSON text or a plain word.
// JSON.stringify never writes a tab or a line feed, so inputs and outputs pass through as they are, never parsed on the way.

/** Splits a stream of chunks into lines, looking at each chunk once. */
export class LineReader {
  #parts: string[] = [];

  push(chunk: string, onLine: (line: string) => void): void {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      const tail = chunk.slice(from, end);
      from = end + 1;
      if (this.#parts.length === 0) onLine(tail);
      else {
        this.#parts.push(tail);
        const line = this.#parts.join('');
        this.#parts = [];
        onLine(line);
      }
    }
    if (from < chunk.length) this.#parts.push(from === 0 ? chunk : chunk.slice(from));
  }
}

/** A JSON text from elsewhere may be pretty-printed; on the wire it must be one line without tabs. @throws SyntaxError */
export function oneLine(json: string): string {
  return json.includes('\n') || json.includes('\t') ? JSON.stringify(JSON.parse(json)) : json;
}
