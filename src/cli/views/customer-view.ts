// Customers and their payment methods as commands print them. The shapes are documented and only ever added to.
import type { Customer, PaymentMethod } from '../../customers/customer.ts';
import { type Cell, type Column, idColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';

export interface CustomerView {
  id: string;
  name: string;
  email: string | null;
  createdAt: string;
  /** What another system calls the customer, from an import. */
  reference: string | null;
}

export interface MethodView {
  id: string;
  customerId: string;
  gateway: string;
  brand: string | null;
  last4: string | null;
  createdAt: string;
  /** Why it is never charged again, or null. */
  blockedCode: string | null;
}

type ShowTime = (time: string | null) => string | null;

export function toCustomerView({ id, name, email, createdAt, reference }: Customer): CustomerView {
  return { id, name, email, createdAt: isoTime(createdAt), reference };
}

/** The token isn't shown: whoever may charge it has it from the gateway. */
export function toMethodView(method: PaymentMethod): MethodView {
  const { id, customerId, gateway, brand, last4, createdAt, blockedCode } = method;
  return { id, customerId, gateway, brand, last4, createdAt: isoTime(createdAt), blockedCode };
}

export function customerFields(view: CustomerView, time: ShowTime): [string, Cell][] {
  return [
    ['Customer', view.id],
    ['Name', view.name],
    ['Email', view.email],
    ...(view.reference === null ? [] : [['Reference', view.reference] as [string, Cell]]),
    ['Created', time(view.createdAt)],
  ];
}

export function methodFields(view: MethodView, time: ShowTime): [string, Cell][] {
  return [
    ['Method', view.id],
    ['Customer', view.customerId],
    ['Gateway', view.gateway],
    ['Brand', view.brand],
    ['Last four', view.last4],
    ['Blocked', view.blockedCode],
    ['Created', time(view.createdAt)],
  ];
}

export function customerColumns(time: ShowTime): Column<CustomerView>[] {
  return [
    idColumn('id'),
    { key: 'name' },
    { key: 'email' },
    { key: 'createdAt', header: 'CREATED', cell: ({ createdAt }) => time(createdAt), shorten: 'never' },
    { key: 'reference', inTable: false },
  ];
}

export function methodColumns(time: ShowTime): Column<MethodView>[] {
  return [
    idColumn('id'),
    idColumn('customerId', 'CUSTOMER'),
    { key: 'gateway' },
    { key: 'brand' },
    { key: 'last4', header: 'LAST FOUR' },
    { key: 'blockedCode', header: 'BLOCKED' },
    { key: 'createdAt', header: 'CREATED', cell: ({ createdAt }) => time(createdAt), shorten: 'never' },
  ];
}
