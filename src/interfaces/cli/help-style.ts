// How help looks where it is shown.

export interface HelpStyle {
  /** Columns. */
  width: number;
  heading: (text: string) => string;
}

/** For whatever is no terminal. */
export const PLAIN: HelpStyle = { width: 120, heading: (text) => text };
