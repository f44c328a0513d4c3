// What other contexts may import.
export type { ApprovalDesk } from './desk.ts';
export type { Answer, Decision } from './item.ts';
export type { ItemRow } from './store.ts';
