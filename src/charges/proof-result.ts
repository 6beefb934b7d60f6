// What a step that should prove an attempt came to, in words of ours: as the book keeps it and commands show it.

/** What the last step came to. All but the last line leave the attempt open. */
export type ProofResult =
  /** The lookup was not answered. */
  | 'unavailable'
  /** The lookup found nothing; before the provider's lag was over, which proves nothing, or after. */
  | 'absent_within_lag'
  | 'absent'
  /** What the lookup found is none of our outcomes, such as another amount: nothing is sent after that. */
  | 'mismatch'
  /** The provider knows it, and it is not final. */
  | 'settling'
  | 'requires_action'
  | 'paused'
  /** The same request went out once more: without an answer, or turned away, which says nothing of the first send. */
  | 'resend_unknown'
  | 'resend_refused'
  /** Its payment object could not be closed: no answer, or not possible after all. */
  | 'close_unavailable'
  | 'close_unsupported'
  /** The configuration has no such gateway. */
  | 'no_gateway'
  | 'found'
  | 'resend_answered'
  | 'closed';
