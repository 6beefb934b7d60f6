// What a program without a book gets out of a served bank: requests as the gateway makes them, over kept connections. It
// shares the machine with the bank, as the measured run does.
import { Agent, request } from 'node:http';

/** Posts `count` sales, `atATime` at once; answers with the milliseconds that it took. Throws for any answer but 200. */
export async function bareClient(url: string, count: number, atATime: number): Promise<number> {
  const { hostname: host, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < count) {
      sent += 1;
      await post({ host, port, agent }, String(sent).padStart(26, '0'));
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atATime }, lane));
  const ms = performance.now() - startedAt;
  agent.destroy();
  return ms;
}

function post(target: { host: string; port: string; agent: Agent }, id: string): Promise<void> {
  const paymentId = `bp_${id}_bare`;
  const order = { chargeId: `ch_${id}`, attemptId: `att_${id}`, token: 'tok_approved', operation: 'sale' };
  const body = JSON.stringify({ paymentId, ...order, amountMinor: '1250', currency: 'USD' });
  return new Promise((resolve, reject) => {
    const asked = request({
      ...target,
      method: 'POST',
      path: `/v1/payments/${paymentId}/sale`,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'idempotency-key': `bare-${id}`,
      },
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      if (response.statusCode !== 200) reject(new Error(`the bank answered ${response.statusCode}`));
      response.once('error', reject);
      response.once('end', resolve);
      response.resume();
    });
    asked.end(body);
  });
}
