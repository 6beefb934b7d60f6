// A result that can't be printed is no refusal: the charge stands, and the exit status says that it is not known here.
import { afterEach, expect, test } from 'vitest';
import { BIN, cliEnvironment, runCli, runProcess, temporaryFolder } from '../support/cli.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
afterEach(() => folder.remove());

// /dev/full, Linux's own device, refuses every write.
test.each(['', '--json'])('charges create %s on a full disk', async (how) => {
  folder = await temporaryFolder();
  const bursar = (...args: string[]) => runCli(args, { cwd: folder.path });
  await bursar('init', '--book', './book.db', '--mode', 'test');
  const customer = JSON.parse((await bursar('customers', 'create', '--name', 'Ada', '--json')).stdout).id;
  await bursar('methods', 'add', '--customer', customer, '--gateway', 'simulated', '--token', 'tok_approved');
  const creating = `${process.execPath} ${BIN} charges create --customer ${customer} --amount 7.77 --currency USD ${how}`;
  const { code, stderr } = await runProcess('sh', ['-c', `${creating} > /dev/full`], {
    cwd: folder.path,
    env: cliEnvironment(folder.path),
  });
  expect(stderr).toContain('could not be printed');
  expect(stderr).toContain('Do not repeat it');
  expect(code).toBe(4);
  const listed = JSON.parse((await bursar('charges', 'list', '--json')).stdout);
  expect(listed.items).toMatchObject([{ status: 'captured', amountMinor: '777' }]);
});
