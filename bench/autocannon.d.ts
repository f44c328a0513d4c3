// The part of autocannon that the benchmarks use; it brings no types of its own.
declare module 'autocannon' {
  interface Options {
    url: string;
    method: string;
    body: string;
    headers: Readonly<Record<string, string>>;
    connections: number;
    /** Seconds. */
    duration: number;
  }
  interface Result {
    requests: { average: number };
    non2xx: number;
    errors: number;
  }
  export default function autocannon(options: Options): Promise<Result>;
}
