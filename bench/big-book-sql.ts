// The SQL of a book that looks like one that grew: what became of a charge follows from its number alone, so that a book
// of a size is the same book every time. Ids are of the product's own form (src/ids.ts) and ascend with their times.

/** The 24 months that a big book spans. */
export const SPAN_MS = 730 * 86_400_000;

/** Crockford base32 of 48 bits of time, as ids begin with. */
const timePart = (at: string): string =>
  [45, 40, 35, 30, 25, 20, 15, 10, 5, 0]
    .map((shift) => `substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((${at} >> ${shift}) & 31), 1)`)
    .join(' || ');

/** The 26 characters of an id made at `at`; `unique` tells those of one millisecond apart. */
export const idBody = (at: string, unique: string): string => `${timePart(at)} || printf('%016x', ${unique})`;

/** A number's hash, 0 to 2³² - 1 (Knuth's multiplier), so that what is rare is spread evenly. */
const HASH = '((n * 2654435761) % 4294967296)';

const text = (...pairs: string[]): string => pairs.map((pair) => `'${pair}'`).join(', ');

/** What becomes of a charge, attempt by attempt: when, what is asked, what comes of it and the event that tells of it. */
const STEPS = `CREATE TEMP TABLE steps (kind, number, after_ms, operation, outcome, was, becomes, event);
INSERT INTO steps VALUES
  ('captured', 1, 0, ${text('sale', 'approved', 'processing', 'captured', 'charge.captured.v1')}),
  ('retried', 1, 0, ${text('sale', 'declined', 'processing', 'failed', 'charge.failed.v1')}),
  ('retried', 2, 3600000, ${text('sale', 'approved', 'processing', 'captured', 'charge.captured.v1')}),
  ('refunded', 1, 0, ${text('sale', 'approved', 'processing', 'captured', 'charge.captured.v1')}),
  ('refunded', 2, 21600000, ${text('refund', 'approved', 'captured', 'captured', 'refund.succeeded.v1')}),
  ('exhausted', 1, 0, ${text('sale', 'declined', 'processing', 'failed', 'charge.failed.v1')}),
  ('exhausted', 2, 3600000, ${text('sale', 'declined', 'processing', 'exhausted', 'charge.exhausted.v1')}),
  ('voided', 1, 0, ${text('authorize', 'approved', 'processing', 'authorized', 'charge.authorized.v1')}),
  ('voided', 2, 21600000, ${text('void', 'approved', 'authorized', 'voided', 'charge.voided.v1')}),
  ('failed', 1, 0, ${text('sale', 'declined', 'processing', 'failed', 'charge.failed.v1')}),
  ('authorized', 1, 0, ${text('authorize', 'approved', 'processing', 'authorized', 'charge.authorized.v1')});
CREATE TEMP TABLE kinds (kind PRIMARY KEY, steps, last_ms) WITHOUT ROWID;
INSERT INTO kinds SELECT kind, COUNT(*), MAX(after_ms) + 155 FROM steps GROUP BY kind;
INSERT INTO kinds VALUES ('pending', 0, 0)`;

/** One customer and method for every 50 charges, one schedule for every 48; half of the charges are a schedule's. */
export const PEOPLE = [
  ...STEPS.split(';\n'),
  `CREATE TEMP TABLE people (n INTEGER PRIMARY KEY, body, gateway, currency)`,
  `CREATE TEMP TABLE plans (n INTEGER PRIMARY KEY, body, person)`,
  `INSERT INTO people WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < :people)
     SELECT n, ${idBody('(:start - :people + n)', 'n')}, CASE n % 3 WHEN 0 THEN 'second' ELSE 'simulated' END,
            CASE n % 4 WHEN 0 THEN 'EUR' WHEN 1 THEN 'GBP' ELSE 'USD' END FROM s`,
  `INSERT INTO plans WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < :plans)
     SELECT n, ${idBody('(:start - :plans + n)', 'n')}, n % :people FROM s`,
];

export const PEOPLE_ROWS = [
  `INSERT INTO customers (id, name, created_at) SELECT 'cus_' || body, 'Customer ' || n, :start FROM people`,
  // A key has 32 bytes: 44 characters of base64.
  `INSERT INTO customer_keys (customer_id, key) SELECT 'cus_' || body, printf('%043dA', n) || '=' FROM people`,
  `INSERT INTO payment_methods (id, customer_id, gateway, token, brand, last4, created_at)
     SELECT 'pm_' || body, 'cus_' || body, gateway, 'tok_approved', 'visa', '4242', :start FROM people`,
  `INSERT INTO schedules (id, customer_id, method_id, amount_minor, currency, every_count, every_unit, time_of_day, start_date,
       timezone, policy, status, metadata, next_index, next_period, next_due_at, version, created_at, updated_at)
     SELECT 'sch_' || l.body, 'cus_' || p.body, 'pm_' || p.body, 1250, p.currency, 1, 'month', '09:00',
            date(:start / 1000, 'unixepoch'), 'UTC', 'standard', 'active', '{}', 24,
            date(:end / 1000 + 864000, 'unixepoch'), :end + 864000000, 25, :start, :start
       FROM plans l JOIN people p ON p.n = l.person`,
  `INSERT INTO accounts (name, currency, normal_side)
     SELECT a.value->>0, c.value, a.value->>1 FROM json_each('["EUR","GBP","USD"]') c, json_each(
       '[["assets:gateway:simulated","debit"],["assets:gateway:second","debit"],["revenue:sales","credit"],["revenue:refunds","debit"]]') a`,
];

/** The charges of a chunk, (:from, :to], and their attempts. */
export const CHUNK = [
  'DROP TABLE IF EXISTS temp.lines',
  'DROP TABLE IF EXISTS temp.seeds',
  'DROP TABLE IF EXISTS temp.tried',
  `CREATE TEMP TABLE seeds AS
     WITH RECURSIVE s (n) AS (SELECT :from UNION ALL SELECT n + 1 FROM s WHERE n + 1 < :to),
     made AS (SELECT n, :start + n * :step AS at, ${HASH} AS hash, n >= :charges * 0.95 AS recent,
                     CASE n % 2 WHEN 0 THEN (n / 2) % :plans END AS plan FROM s)
     SELECT m.n, m.at, l.body AS plan, p.body AS person, p.gateway, p.currency, 100 + hash % 100000 AS amount,
            ${idBody('at', 'm.n * 65536 + hash % 65536')} AS body,
            CASE WHEN recent THEN CASE WHEN hash % 1000 < 100 THEN 'failed' WHEN hash % 1000 < 200 THEN 'pending'
                                       WHEN hash % 1000 < 220 THEN 'authorized' ELSE 'captured' END
                 WHEN hash % 1000 < 20 THEN 'exhausted' WHEN hash % 1000 < 30 THEN 'voided'
                 WHEN hash % 1000 < 180 THEN 'retried' WHEN hash % 1000 < 200 THEN 'refunded' ELSE 'captured' END AS kind
       FROM made m LEFT JOIN plans l ON l.n = m.plan JOIN people p ON p.n = COALESCE(l.person, hash % :people)
      ORDER BY m.n`,
  `CREATE TEMP TABLE tried AS
     SELECT s.n, s.body AS charge, s.at, s.person, s.plan, s.gateway, s.currency, s.amount, t.number, t.operation, t.outcome,
            t.was, t.becomes, t.event, s.at + t.after_ms + 5 AS opened_at, s.at + t.after_ms + 155 AS settled_at,
            ${idBody('(s.at + t.after_ms + 5)', 's.n * 65536 + t.number')} AS body
       FROM seeds s JOIN steps t ON t.kind = s.kind ORDER BY s.at + t.after_ms, s.n`,
  // What is told of them, in the order of time: sorted before its texts are made, since sorting whole rows takes longer than
  // all the rest. Place 0 is the making of a charge, odd ones open an attempt, even ones settle it.
  `CREATE TEMP TABLE lines AS
     SELECT rowid AS source, at, n, 0 AS place FROM seeds
     UNION ALL SELECT rowid, opened_at, n, 2 * number - 1 FROM tried
     UNION ALL SELECT rowid, settled_at, n, 2 * number FROM tried ORDER BY 2, 3, 4`,
];

const IS = (...kinds: string[]): string => `kind IN (${text(...kinds)})`;

export const CHARGE_ROWS = [
  `INSERT INTO charges (id, customer_id, method_id, gateway, schedule_id, period, currency, amount_minor, authorized_minor,
       captured_minor, refunded_minor, intent, status, decline_code, decline_class, retry_rule, due_at, retry_at, policy,
       timezone, soft_declines, first_attempt_at, attempt_count, object_id, metadata, last_run_id, version, event_version,
       created_at, updated_at)
     SELECT 'ch_' || body, 'cus_' || person, 'pm_' || person, gateway, 'sch_' || plan,
            CASE WHEN plan IS NOT NULL THEN date(at / 1000, 'unixepoch') END, currency, amount,
            CASE WHEN ${IS('voided', 'authorized')} THEN amount ELSE 0 END,
            CASE WHEN ${IS('captured', 'retried', 'refunded')} THEN amount ELSE 0 END,
            CASE WHEN ${IS('refunded')} THEN amount ELSE 0 END,
            CASE WHEN ${IS('voided', 'authorized')} THEN 'authorize' ELSE 'sale' END,
            CASE WHEN ${IS('retried', 'refunded')} THEN 'captured' ELSE kind END,
            CASE WHEN ${IS('failed', 'exhausted')} THEN 'insufficient_funds' END,
            CASE WHEN ${IS('failed', 'exhausted')} THEN 'soft' END, CASE WHEN ${IS('failed', 'exhausted')} THEN 'soft' END,
            CASE WHEN ${IS('pending')} THEN :end + 86400000 * (1 + n % 30) ELSE at END,
            CASE WHEN ${IS('failed')} THEN :end + 86400000 * (1 + n % 5) END, 'standard', CASE WHEN plan IS NOT NULL THEN 'UTC' END,
            CASE WHEN ${IS('exhausted')} THEN 2 WHEN ${IS('failed', 'retried')} THEN 1 ELSE 0 END,
            CASE WHEN NOT ${IS('pending')} THEN at + 5 END, k.steps,
            CASE WHEN NOT ${IS('pending')} THEN 'bp_' || body || '_0' END, '{}',
            CASE WHEN plan IS NOT NULL THEN :run END,
            1 + 2 * k.steps, 1 + k.steps, at, at + k.last_ms
       FROM seeds s CROSS JOIN kinds k USING (kind)`,
  `INSERT INTO attempts (id, charge_id, number, operation, gateway, method_id, amount_minor, currency, refund_id,
       idempotency_key, body, api_version, object_id, outcome, reference, provider_code, decline_code, decline_class, sends,
       unproven_sends, first_sent_at, last_sent_at, epoch, run_id, opened_at, settled_at)
     SELECT 'att_' || body, 'ch_' || charge, number, operation, gateway, 'pm_' || person, amount, currency,
            CASE operation WHEN 'refund' THEN 're_' || body END, substr(body, 1, 10) || printf('%026x', n * 4 + number),
            json_object('amountMinor', CAST(amount AS TEXT), 'attemptId', 'att_' || body, 'chargeId', 'ch_' || charge, 'currency',
              currency, 'operation', operation, 'paymentId', 'bp_' || charge || '_0', 'token', 'tok_approved'),
            '1', 'bp_' || charge || '_0', outcome, CASE outcome WHEN 'approved' THEN 'ref_' || body END,
            CASE outcome WHEN 'declined' THEN '51' END, CASE outcome WHEN 'declined' THEN 'insufficient_funds' END,
            CASE outcome WHEN 'declined' THEN 'soft' END, 1, 0, opened_at, opened_at, 1, CASE WHEN plan IS NOT NULL THEN :run END,
            opened_at, settled_at
       FROM tried ORDER BY rowid`,
  `INSERT INTO refunds (id, charge_id, attempt_id, amount_minor, currency, status, created_at, updated_at)
     SELECT 're_' || body, 'ch_' || charge, 'att_' || body, amount, currency, 'succeeded', opened_at, settled_at
       FROM tried WHERE operation = 'refund' ORDER BY rowid`,
  `INSERT INTO journal_entries (id, kind, charge_id, attempt_id, posted_at)
     SELECT 'je_' || body, CASE operation WHEN 'refund' THEN 'refunded' ELSE 'captured' END, 'ch_' || charge, 'att_' || body,
            settled_at
       FROM tried WHERE outcome = 'approved' AND operation IN ('sale', 'refund') ORDER BY rowid`,
  `INSERT INTO postings (entry_id, line, month, debit_account, credit_account, currency, amount_minor)
     SELECT 'je_' || t.body, 1, CAST(strftime('%Y%m', t.settled_at / 1000, 'unixepoch') AS INTEGER),
            CASE operation WHEN 'refund' THEN r.id ELSE g.id END, CASE operation WHEN 'refund' THEN g.id ELSE s.id END,
            t.currency, t.amount
       FROM tried t JOIN accounts g ON g.name = 'assets:gateway:' || t.gateway AND g.currency = t.currency
       JOIN accounts s ON s.name = 'revenue:sales' AND s.currency = t.currency
       JOIN accounts r ON r.name = 'revenue:refunds' AND r.currency = t.currency
      WHERE t.outcome = 'approved' AND t.operation IN ('sale', 'refund') ORDER BY t.rowid`,
  `INSERT INTO events (id, aggregatetype, aggregateid, version, type, payload, occurred_at)
     SELECT 'evt_' || ${idBody('l.at', 'l.n * 65536 + l.place')}, 'charge', 'ch_' || COALESCE(s.body, t.charge), 1 + l.place / 2,
            COALESCE(t.event, 'charge.created.v1'),
            json_object('chargeId', 'ch_' || COALESCE(s.body, t.charge), 'customerId', 'cus_' || COALESCE(s.person, t.person),
              'scheduleId', 'sch_' || COALESCE(s.plan, t.plan), 'period', NULL, 'gateway', COALESCE(s.gateway, t.gateway),
              'currency', COALESCE(s.currency, t.currency), 'amountMinor', CAST(COALESCE(s.amount, t.amount) AS TEXT),
              'capturedMinor', '0', 'refundedMinor', '0', 'status', COALESCE(t.becomes, 'pending')), l.at
       FROM lines l LEFT JOIN seeds s ON l.place = 0 AND s.rowid = l.source
       LEFT JOIN tried t ON l.place > 0 AND t.rowid = l.source
      WHERE l.place % 2 = 0 ORDER BY l.rowid`,
];

/** The audit rows of a chunk, but for their hash. */
export const STAGED = [
  'DROP TABLE IF EXISTS temp.staged',
  `CREATE TEMP TABLE staged AS
     SELECT 'au_' || ${idBody('l.at', 'l.n * 65536 + l.place')} AS id, l.at, 'operator' AS actor, 'billing-1' AS host,
            'billing run' AS command, CASE place WHEN 0 THEN 'ch_' || s.body ELSE 'att_' || t.body END AS subject,
            CASE WHEN place = 0 THEN 'charge.create' WHEN place % 2 THEN operation || '.open' ELSE operation || '.settle' END AS action,
            CASE WHEN place <= 1 THEN NULL WHEN place % 2 THEN json_object('status', was)
                 ELSE json_object('status', was, 'outcome', NULL) END AS "before",
            CASE WHEN place = 0 THEN json_object('methodId', 'pm_' || s.person, 'intent', 'sale', 'policy', 'standard', 'dueAt',
                     strftime('%Y-%m-%dT%H:%M:%S.000Z', l.at / 1000, 'unixepoch'))
                 WHEN place % 2 THEN json_object('status', was, 'attempt', number, 'idempotencyKey',
                     substr(t.body, 1, 10) || printf('%026x', l.n * 4 + number))
                 ELSE json_object('status', becomes, 'outcome', outcome, 'by', 'send', 'reference',
                     CASE outcome WHEN 'approved' THEN 'ref_' || t.body END, 'declineCode',
                     CASE outcome WHEN 'declined' THEN 'insufficient_funds' END, 'providerCode', NULL) END AS "after",
            CASE WHEN place = 0 THEN 'created' WHEN place % 2 THEN 'opened' ELSE outcome END AS result, NULL AS reason,
            'cus_' || COALESCE(s.person, t.person) AS customer_id, 'ch_' || COALESCE(s.body, t.charge) AS charge_id,
            COALESCE(s.gateway, t.gateway) AS gateway,
            CASE WHEN place = 0 THEN 'pending' WHEN place % 2 THEN was ELSE becomes END AS status,
            COALESCE(s.currency, t.currency) AS currency, COALESCE(s.amount, t.amount) AS amount_minor
       FROM lines l LEFT JOIN seeds s ON l.place = 0 AND s.rowid = l.source
       LEFT JOIN tried t ON l.place > 0 AND t.rowid = l.source`,
];
