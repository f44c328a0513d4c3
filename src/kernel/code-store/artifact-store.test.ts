import { describe } from 'vitest';
import { MemoryArtifactStore } from './artifact-store.fixture.ts';
import { artifactStoreSuite } from './artifact-store.suite.ts';

describe('in memory', () => {
  artifactStoreSuite(() => Promise.resolve(new MemoryArtifactStore()));
});
