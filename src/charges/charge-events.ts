// The events that a charge publishes, one per change that someone outside could care for.
import type { DomainEvent, EventType } from '../events/events.ts';
import type { Charge } from './charge.ts';

/** A charge as an event tells it: amounts as text, no personal data. The charge has counted the event already. */
export function chargeEvent(type: EventType, charge: Charge, more: Record<string, unknown> = {}): DomainEvent {
  return {
    aggregateType: 'charge',
    aggregateId: charge.id,
    version: charge.eventVersion,
    type,
    data: {
      chargeId: charge.id,
      customerId: charge.customerId,
      scheduleId: charge.scheduleId,
      period: charge.period,
      gateway: charge.gateway,
      currency: charge.currency,
      amountMinor: charge.amountMinor.toString(),
      capturedMinor: charge.capturedMinor.toString(),
      refundedMinor: charge.refundedMinor.toString(),
      status: charge.status,
      ...more,
    },
  };
}

export function createdEvent(charge: Charge): DomainEvent {
  return chargeEvent('charge.created.v1', charge);
}

/** The event that tells a charge's new status; `null` for the two that no one outside needs. */
export function statusEvent(charge: Charge): DomainEvent | null {
  switch (charge.status) {
    case 'pending':
    case 'processing':
      return null;
    default:
      return chargeEvent(
        `charge.${charge.status}.v1`,
        charge,
        charge.declineCode === null
          ? {}
          : { declineCode: charge.declineCode, declineClass: charge.declineClass, retryAt: charge.retryAt },
      );
  }
}
