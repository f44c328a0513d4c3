import { expect, test } from 'vitest';
import { EsbuildService, type ServiceBuild } from './esbuild-service.ts';

const source = (contents: string): ServiceBuild => ({ stdin: { contents, loader: 'ts' }, bundle: true, format: 'iife', plugins: [] });

test('a source that takes too long fails alone, and the service goes on', async () => {
  const service = new EsbuildService({ deadlineMs: 500 });
  try {
    await service.build(source('export {}'));
    // Minutes of work for the parser.
    const slow = service.build(source(`globalThis.a = ${'a=>'.repeat(5_000)}1`));
    const others = Array.from({ length: 20 }, (_, index) => service.build(source(`console.log(${index})`)));
    await expect(slow).rejects.toMatchObject({ code: 'compile_failed', message: 'compiling took longer than 500 ms' });
    const built = await Promise.all(others);
    expect(built.map(({ js }) => /log\((\d+)\)/.exec(js)?.[1])).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
    expect((await service.build(source('console.log(99)'))).js).toContain('99');
  } finally {
    await service.close();
  }
});

test('builds that run while it is closed are refused, not left hanging', async () => {
  const service = new EsbuildService();
  await service.build(source('export {}'));
  const running = service.build(source(`globalThis.a = ${'a=>'.repeat(5_000)}1`));
  const outcome = running.catch((error: unknown) => error);
  await service.close();
  expect(await outcome).toMatchObject({ code: 'unavailable' });
});
