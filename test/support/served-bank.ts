// A `bursar bank serve` of the built CLI that a test charges at, stops or kills.
import { startCli } from './running-cli.ts';

export interface ServedBank {
  url: string;
  /** Sends the signal and waits for the end; how it ended. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts it in `folder`, and waits until it listens. */
export async function serveBank(folder: string, args: readonly string[]): Promise<ServedBank> {
  const { child, ended } = startCli(['bank', 'serve', '--json', ...args], folder);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', resolve);
    void ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  return {
    url: (JSON.parse(line) as { url: string }).url,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}
