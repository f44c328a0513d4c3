// What other contexts may import.
export type { ApprovalDesk } from './desk.ts';
