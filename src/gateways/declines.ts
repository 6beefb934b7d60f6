// The one vocabulary of declines that every gateway maps its own codes to, and the class that decides what comes next.

export const DECLINES = {
  insufficient_funds: 'soft',
  try_again_later: 'soft',
  issuer_unavailable: 'soft',
  do_not_honor: 'soft',
  limit_exceeded: 'soft',
  processing_error: 'soft',
  unknown_decline: 'soft',
  expired_card: 'update_method',
  incorrect_number: 'update_method',
  incorrect_cvc: 'update_method',
  invalid_account: 'update_method',
  account_closed: 'update_method',
  authentication_required: 'authentication',
  lost_card: 'hard',
  stolen_card: 'hard',
  pickup_card: 'hard',
  fraudulent: 'hard',
  restricted_card: 'hard',
  revocation_of_authorization: 'hard',
  stop_payment: 'hard',
} as const;

export type DeclineCode = keyof typeof DECLINES;

/** `ours`: our configuration or request was refused; `transport`: proved not to have reached execution. */
export type DeclineClass = (typeof DECLINES)[DeclineCode] | 'ours' | 'transport';

export function isDeclineCode(code: string): code is DeclineCode {
  return Object.hasOwn(DECLINES, code);
}

export function declineClass(code: DeclineCode): DeclineClass {
  return DECLINES[code];
}
