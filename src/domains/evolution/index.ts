// What other contexts may import.
export { improvementItem } from './improvements.ts';

/** Handler of agents:improve, which stands under another domain's name. Loaded at its first call. */
export const improveHandler = () => import('./improvement.ts').then((m) => m.improve);
