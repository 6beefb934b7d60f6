// Long runs in little memory. V8 lets a heap of 30 MB that live grow to some 130 before it looks for garbage in the old
// part again, and more the longer a run takes; what a run holds at a time is the same from its first charge to its last.
import { setFlagsFromString } from 'node:v8';

/** How much of what lived after one collection may be added before the next, in percent. */
const GROWTH = 60;

/** From now on the heap is collected before it has grown by more. The flag is read at every collection; Node 20 to 26 know it. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`);
}
