import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { installAbort } from './abort.ts';
import { installStructuredClone } from './structured-clone.ts';
import { installTextEncoding } from './text-encoding.ts';

describe('TextEncoder and TextDecoder', () => {
  const realm = {} as { TextEncoder: typeof TextEncoder; TextDecoder: typeof TextDecoder };
  installTextEncoding(realm);

  test('encode as Node does, lone surrogates too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0xd83d, 0xde00, 0x41)), { maxLength: 20 }),
        (units) => {
          const input = String.fromCharCode(...units);
          expect([...new realm.TextEncoder().encode(input)]).toEqual([...new TextEncoder().encode(input)]);
          const [ours, nodes] = [new Uint8Array(7), new Uint8Array(7)];
          expect(new realm.TextEncoder().encodeInto(input, ours)).toEqual(new TextEncoder().encodeInto(input, nodes));
          expect(ours).toEqual(nodes);
        },
      ),
    );
  });

  test('decode as Node does, whole and in pieces, bad bytes too', () => {
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0xef, 0xbb, 0xbf, 0xe0, 0xed, 0xf0, 0xf4, 0x80, 0xa0, 0x90));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 16 }), fc.nat(16), fc.boolean(), (list, cut, ignoreBOM) => {
        const bytes = Uint8Array.from(list);
        expect(new realm.TextDecoder('utf8', { ignoreBOM }).decode(bytes)).toBe(new TextDecoder('utf8', { ignoreBOM }).decode(bytes));
        const inPieces = (Decoder: typeof TextDecoder): string => {
          const decoder = new Decoder();
          return decoder.decode(bytes.subarray(0, cut), { stream: true }) + decoder.decode(bytes.subarray(cut));
        };
        expect(inPieces(realm.TextDecoder)).toBe(inPieces(TextDecoder));
      }),
    );
    expect(() => new realm.TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.of(0xff))).toThrow(TypeError);
    expect(() => new realm.TextDecoder('latin1')).toThrow(RangeError);
  });
});

describe('structuredClone', () => {
  const realm = { Uint8Array, Float64Array } as unknown as { structuredClone: typeof structuredClone };
  installStructuredClone(realm);

  test('copies what Node copies, cycles and shared members too', () => {
    const shared = { n: 1 };
    const value = {
      shared,
      again: shared,
      date: new Date(5),
      pattern: /a+/giu,
      map: new Map([[{ k: 1 }, new Set([1, 'two'])]]),
      bytes: new Uint8Array([1, 2, 3]).subarray(1),
      view: new DataView(new ArrayBuffer(4), 1, 2),
      list: Object.assign([1], { 2: 3 }),
      nothing: [null, undefined, 1n, Number.NaN],
      error: new RangeError('why', { cause: 'because' }),
    } as Record<string, unknown>;
    value['self'] = value;
    const copy = realm.structuredClone(value);
    expect(copy).toEqual(structuredClone(value));
    expect(copy['self']).toBe(copy);
    expect(copy['shared']).toBe(copy['again']);
    expect(copy['shared']).not.toBe(shared);
    expect(copy['error']).toBeInstanceOf(RangeError);
  });

  test.each([() => 1, Symbol('s'), { deep: [() => 1] }, Promise.resolve(1), new WeakMap()])('refuses %o', (value) => {
    expect(() => realm.structuredClone(value)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
  });
});

describe('AbortController', () => {
  const realm = {} as { AbortController: typeof AbortController; AbortSignal: typeof AbortSignal };
  installAbort(realm);

  test('tells each listener once, with the reason', () => {
    const controller = new realm.AbortController();
    const heard: unknown[] = [];
    const removed = (): void => void heard.push('removed');
    controller.signal.onabort = () => heard.push('on');
    controller.signal.addEventListener('abort', () => heard.push(controller.signal.reason));
    controller.signal.addEventListener('abort', removed);
    controller.signal.removeEventListener('abort', removed);
    const any = realm.AbortSignal.any([new realm.AbortController().signal, controller.signal]);
    controller.abort('enough');
    controller.abort('again');
    expect(heard).toEqual(['on', 'enough']);
    expect(any).toMatchObject({ aborted: true, reason: 'enough' });
    expect(() => any.throwIfAborted()).toThrow('enough');
    expect(realm.AbortSignal.abort().reason).toMatchObject({ name: 'AbortError' });
  });

  test('signals come from controllers only', () => {
    expect(() => new realm.AbortSignal()).toThrow(TypeError);
  });
});
