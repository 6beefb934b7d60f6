// How many rows of one kind a check asks the database for: one more than are named, so that it shows when there are more.
import { NAMED_PER_KIND } from '../audit/finding.ts';

export const ASKED_PER_KIND = NAMED_PER_KIND + 1;
