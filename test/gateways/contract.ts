// What every gateway must do, written once. A gateway's own test file names its tokens and runs this suite over it.
import { describe } from 'vitest';
import type { GatewayUnderTest } from './contract-desk.ts';
import { faultContract } from './contract-faults.ts';
import { moneyContract } from './contract-money.ts';

export function gatewayContract(subject: GatewayUnderTest): void {
  describe(`the gateway contract: ${subject.name}`, () => {
    moneyContract(subject);
    faultContract(subject);
  });
}
