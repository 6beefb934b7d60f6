// The programs that the tests in test/faults/ provoke faults with. On Debian, as root, what is missing is installed.
import { spawnSync } from 'node:child_process';

/** Program → Debian package. */
const PACKAGES = {
  strace: 'strace',
  faketime: 'faketime',
  unshare: 'util-linux',
  chromium: 'chromium',
};

/** The programs that are still missing; an empty list where all fault tests can run. */
export function ensureFaultTools() {
  const missing = missingTools();
  if (missing.length > 0 && process.getuid?.() === 0 && isThere('apt-get')) {
    const packages = missing.map((tool) => PACKAGES[tool]);
    console.error(`Installing for the fault tests: ${packages.join(', ')}`);
    const quietly = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    spawnSync('apt-get', ['update', '-qq'], quietly);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quietly);
  }
  return missingTools();
}

function missingTools() {
  return Object.keys(PACKAGES).filter((tool) => !isThere(tool));
}

function isThere(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
