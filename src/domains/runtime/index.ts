// What other contexts may import.
export { observe } from './system.ts';
