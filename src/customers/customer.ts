// Who pays, and how: a customer and their payment methods. A method is a gateway's token, never a card number.
export interface Customer {
  id: string;
  name: string;
  email: string | null;
  createdAt: number;
}

export interface PaymentMethod {
  id: string;
  customerId: string;
  gateway: string;
  token: string;
  brand: string | null;
  last4: string | null;
  createdAt: number;
  removedAt: number | null;
  /** After a hard decline the method is never charged again. */
  blockedAt: number | null;
  blockedCode: string | null;
}
