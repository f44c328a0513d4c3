// What other contexts may import.
import type { Database } from '#db/database.ts';

export { improvementItem } from './improvements.ts';
export { pauseView } from './pause-view.ts';

/** Handler of agents:improve, which stands under another domain's name. Loaded at its first call. */
export const improveHandler = () => import('./improvement.ts').then((m) => m.improve);

/** What holds improvements back on purpose; null: nothing. */
export const pauseOf = async (database: Database) => {
  const [{ currentPause }, { shownPause }] = await Promise.all([import('./pause-store.ts'), import('./pause-view.ts')]);
  return shownPause(await currentPause(database));
};

/** Loaded by whoever tells how versions came about. */
export const loadTriedImprovements = () => import('./candidate-store.ts').then((m) => m.triedImprovements);
export type { TriedImprovement } from './candidate-store.ts';
