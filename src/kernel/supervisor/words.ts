// OTP's words, as it spells them.

/** Whom the end of one child takes along: nobody, all, or those started after it. */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

/** Which orderly ends of significant children end the supervisor too. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/** Started again always, only after an error, or never. */
export type Restart = 'permanent' | 'transient' | 'temporary';

export type ChildType = 'worker' | 'supervisor';
