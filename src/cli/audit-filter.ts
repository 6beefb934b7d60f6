// From the flags of `audit list` and `audit export` to which rows are meant. What no row can have is refused: a slip of the
// fingers must not become an empty file that looks like an answer.
import { Flags } from '@oclif/core';
import type { App } from '../app.ts';
import { type AuditFilter, hasAuditRow } from '../audit/audit-rows-store.ts';
import { CHARGE_STATUSES } from '../charges/charge.ts';
import { BursarError } from '../errors.ts';
import { SCHEDULE_STATUSES } from '../schedules/schedule.ts';
import { findId } from './find-id.ts';
import { timeRangeFlags } from './flags.ts';
import { nearest } from './suggest.ts';
import { oneLine } from './text.ts';
import { parseTimeRange } from './time-input.ts';

export const auditFilterFlags = {
  ...timeRangeFlags,
  customer: Flags.string({ helpValue: 'ID', summary: 'Only rows about this customer.' }),
  gateway: Flags.string({ helpValue: 'NAME', summary: 'Only rows about this gateway.' }),
  status: Flags.string({ helpValue: 'STATUS', summary: 'Only rows that left a charge or schedule in this status.' }),
  kind: Flags.string({
    helpValue: 'ACTION',
    summary: 'Only this action (sale.settle), or all that begin with its first word (sale).',
  }),
};

interface AuditFilterFlags {
  since?: string | undefined;
  until?: string | undefined;
  customer?: string | undefined;
  gateway?: string | undefined;
  status?: string | undefined;
  kind?: string | undefined;
}

export async function readAuditFilter(app: App, flags: AuditFilterFlags): Promise<AuditFilter> {
  const { customer, gateway, status, kind } = flags;
  const filter: AuditFilter = await parseTimeRange(flags, app);
  if (customer !== undefined) filter.customerId = await findId(app, 'customer', customer, { money: false });
  if (gateway !== undefined) filter.gateway = gateway;
  if (status !== undefined) filter.status = checkedStatus(status);
  if (kind !== undefined) filter.kind = checkedKind(kind);
  return filter;
}

/** Where a filter let no row through: tells of a gateway or kind that is known nowhere, which may be a slip. */
export async function noteUnknownNames(
  app: App,
  { gateway, kind }: AuditFilter,
  note: (text: string) => void,
): Promise<void> {
  const { reader } = app.book;
  if (gateway !== undefined && !Object.hasOwn(app.gatewayConfigs, gateway) && !(await hasAuditRow(reader, { gateway })))
    note(`There is no gateway "${oneLine(gateway)}": none is configured, and no row of the audit log names it.\n`);
  if (kind !== undefined && !(await hasAuditRow(reader, { kind })))
    note(`There is no kind "${kind}" in the audit log: no row of it, of whatever time, is of that kind.\n`);
}

const STATUSES: readonly string[] = [...new Set([...CHARGE_STATUSES, ...SCHEDULE_STATUSES])];

function checkedStatus(text: string): string {
  if (STATUSES.includes(text)) return text;
  const guess = nearest(text, STATUSES);
  throw new BursarError('invalid_value', `--status: "${oneLine(text)}" is not a status. Nothing was done.`, {
    hint: guess === null ? `A status is one of: ${STATUSES.join(', ')}.` : `Did you mean ${guess}?`,
  });
}

function checkedKind(text: string): string {
  if (/^[a-z_]+(\.[a-z_]+)?$/.test(text)) return text;
  throw new BursarError('invalid_value', `--kind: "${oneLine(text)}" is not an action. Nothing was done.`, {
    hint: 'An action is two words, such as sale.settle; the first alone takes all that begin with it.',
  });
}
