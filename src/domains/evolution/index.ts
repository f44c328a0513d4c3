// What other contexts may import.
export { improvementItem } from './improvements.ts';
