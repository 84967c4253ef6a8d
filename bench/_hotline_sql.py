"""The statements that write a hotline's history from numbers; see `_hotline_city`."""

TABLES = (
    "hotline_ticket", "hotline_caller", "hotline_knowledgeentry", "hotline_topic", "hotline_ticketevent",
    "hotline_ticketclock", "hotline_ticketcontact", "hotline_ticketreading", "hotline_ticketunit", "hotline_callback",
    "hotline_qualitycheck", "hotline_call", "hotline_knowledgeversion", "hotline_knowledgepair",
    "hotline_topicticket", "hotline_correction", "hotline_foldedmessage",
)  # fmt: skip

# pick(i, k, n): one of 0 … n-1 for row i, another for each k
PICK = """
CREATE OR REPLACE FUNCTION pick(i bigint, k int, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT (hashint8extended(i, k) & 9007199254740991) % n $$
"""
PLAN = """
DROP TABLE IF EXISTS bench_plan;
CREATE UNLOGGED TABLE bench_plan AS
SELECT p.*, state NOT IN (70, 80, 90) AS is_open,
  CASE WHEN state IN (11, 50, 60, 61, 70, 80) THEN LEAST(received + interval '1 hour' * (2 + pick(i, 20, 90)),
  now()) END
    AS replied,
  CASE WHEN state IN (60, 70, 80) AND pick(i, 21, 10) < 7 THEN LEAST(received + interval '4 days',
  now()) END AS visited,
  CASE WHEN state IN (70, 80) THEN LEAST(received + interval '1 hour' * (96 + pick(i, 22, 20)), now()) END AS concluded
FROM (
  SELECT q.*, now() - interval '1 day' * age AS received,
    CASE WHEN age < 0.02 THEN 10
      WHEN age < 1 THEN (ARRAY[10,20,20,30,30,30,30,30,31,31,31,40,40,40,40,40,11,11,50,70])[1 + r % 20]
      WHEN age < 6 THEN (ARRAY[30,31,40,40,40,40,40,41,50,50,60,61,70,70,70,70,70,70,70,90])[1 + r % 20]
      WHEN age < 18 THEN CASE WHEN r < 20 THEN 40 WHEN r < 25 THEN 41 WHEN r < 40 THEN 60 WHEN r < 50 THEN 61
        WHEN r > 960 THEN 90 ELSE 70 END
      WHEN r < 1 THEN 40 WHEN r > 970 THEN 90 ELSE 80 END AS state
  FROM (
    SELECT i, ({tickets} - i)::float8 / {a_day} + pick(i, 1, 300) / 86400.0 AS age, pick(i, 2, 1000)::int AS r,
      1 + pick(i, 3, {texts})::int AS text_no, 1 + pick(i, 4, {grids})::int AS grid_no,
      CASE WHEN pick(i, 5, 20) < 18 THEN {caller} + 1 +
        (pow(pick(i, 6, 1000000) / 1e6, 2) * {callers})::bigint END AS caller_id,
      pow(pick(i, 7, 1000000) / 1e6, 2) AS draw, pick(i, 8, 20) < 17 AS placed,
      (ARRAY['010101','020301','020101','010301','010401','020501','030101','040101'])[1 + pick(i, 9, 8)] AS item,
      (ARRAY['城乡建设','环境保护','交通运输','教育文体','劳动和社会保障','商贸旅游','卫生计生'])[1 + pick(i, 10, 7)]
        AS class
    FROM generate_series(1, {tickets}::bigint) i
  ) q
) p
"""
CALLERS = """
INSERT INTO hotline_caller (id, number_hash, shown, first_at, last_at, messages, calls, care)
SELECT {caller} + i, encode(sha256(('caller' || i)::bytea), 'hex'), '199****' || lpad((i % 10000)::text, 4, '0'),
  now() - interval '200 days', now() - interval '1 minute' * (i % 280000), 4, 3, ''
FROM generate_series(1, {callers} + 1) i
"""
TOPICS = """
INSERT INTO hotline_topic (id, state, name, place, matter, words, named, held, people, messages, recent, growth,
  clarity, heat, severity, first_at, last_at, changed_at)
SELECT {topic} + k, CASE WHEN k <= 300 THEN 'active' ELSE 'quiet' END, '热点' || k, '', '', '{{}}', false, false, 10,
  12, 3, 0.5, 0.4, 10.0 + 1000.0 / k, 0, now() - interval '30 days', now(), now()
FROM generate_series(1, 5300) k
"""
TICKETS = """
INSERT INTO hotline_ticket (id, number, query_code, external_ref, version, state, is_open, channel, kind, urgency, rank,
  sentiment, class_label, item_code, is_complex, title, text, plain, words, place_text, lon, lat, city_id, district_id,
  street_id, community_id, grid_id, caller_id, topic_id, caller_shared, is_secret, contact_needed, agency_id,
  co_agencies, outside,
  case_id, case_seq, dispatches, designated, return_count, redo_count, extension_count, urge_count, call_count,
  received_at, filed_at, dispatched_at, accepted_at, replied_at, concluded_at, changed_at, reply, replied_by_id,
  sign_on_time, on_time, contacted, solved, rating, visited_at, is_valid, step, due_at, remind_at, escalation,
  answer_due, needs_person, person_reason, read_at, read_tries, flags, extra)
SELECT {ticket} + p.i, number, 'ABCD2345', CASE WHEN p.i % 5 = 0 THEN 'old:' || p.i END, 3, p.state, p.is_open,
  (ARRAY['phone','phone','phone','portal','import'])[1 + pick(p.i, 30, 4) + (p.i % 5 = 0)::int],
  (1 + pick(p.i, 31, 6))::text,
  CASE WHEN pick(p.i, 32, 100) < 2 THEN 'danger' WHEN pick(p.i, 32, 100) < 12 THEN 'utilities' ELSE 'general' END,
  CASE WHEN pick(p.i, 32, 100) < 2 THEN 0 WHEN pick(p.i, 32, 100) < 12 THEN 1 ELSE 2 END, '',
  p.class, CASE WHEN pick(p.i, 33, 10) < 7 THEN p.item ELSE '' END, false, '', x.text, x.text,
  x.words || array_to_tsvector(ARRAY[left(lower(number), 2), substr(number, 3, 2), substr(number, 5, 2),
  substr(number, 6, 2), substr(number, 9, 2), substr(number, 11, 2), substr(number, 13, 2)]), '',
  CASE WHEN p.placed THEN g.lon + pick(p.i, 34, 100) / 1e5 END,
  CASE WHEN p.placed THEN g.lat + pick(p.i, 35, 100) / 1e5 END, g.city, g.district,
  CASE WHEN p.placed THEN g.street END, CASE WHEN p.placed THEN g.community END, CASE WHEN p.placed THEN g.grid END,
  p.caller_id, CASE WHEN pick(p.i, 36, 1000) < 80 THEN {topic} + CASE WHEN p.age < 20
    THEN 1 + (pow(pick(p.i, 37, 1000000) / 1e6, 4) * 299)::bigint ELSE 301 + pick(p.i, 37, 5000) END END,
  p.i % 3 > 0, p.i % 50 = 0, false, CASE WHEN p.state IN (10, 11, 20) THEN NULL ELSE unit END,
  CASE WHEN p.i % 25 = 0 THEN ARRAY[u.ids[1 + pick(p.i, 38, array_length(u.ids, 1))]] ELSE '{{}}' END, '',
  c.id, 100000, CASE WHEN p.state IN (10, 11, 20) THEN 0 ELSE 1 END, false, (pick(p.i, 39, 100) < 6)::int,
  (p.state = 61)::int, 0, 0, (p.visited IS NOT NULL)::int, p.received, p.received + interval '10 minutes',
  CASE WHEN p.state NOT IN (10, 11, 20) THEN p.received + interval '20 minutes' END,
  CASE WHEN p.state NOT IN (10, 11, 20, 30, 90) THEN LEAST(p.received + interval '90 minutes', now()) END, p.replied,
  p.concluded, GREATEST(p.received, p.replied, p.visited, p.concluded),
  CASE WHEN p.replied IS NULL THEN '' ELSE '接单后到现场核实，情况属实，第' || p.text_no || '号问题已处理完毕，'
    || '由养护班组每周巡查两次，防止再次发生，结果已电话告知。' END, CASE WHEN p.replied IS NOT NULL THEN unit END,
  CASE WHEN p.state NOT IN (10, 11, 20, 30) THEN pick(p.i, 40, 100) < 97 END,
  CASE WHEN p.replied IS NOT NULL THEN pick(p.i, 41, 100) < 95 END,
  CASE WHEN p.visited IS NOT NULL THEN pick(p.i, 42, 100) < 92 END,
  CASE WHEN p.visited IS NOT NULL THEN pick(p.i, 43, 100) < 88 END,
  CASE WHEN p.visited IS NOT NULL THEN 1 + pick(p.i, 44, 5) END, p.visited, p.state <> 90,
  CASE WHEN p.is_open THEN 4 END, due, GREATEST(due, now() + interval '1 second' * (3600 + pick(p.i, 45, 90000))),
  CASE WHEN due < now() THEN 2 ELSE 0 END, p.received + interval '5 days', p.state IN (10, 20) AND p.i % 4 = 0, '',
  p.received + interval '2 seconds', 1, '{{}}', '{{}}'
FROM bench_plan p JOIN bench_text x ON x.no = p.text_no JOIN bench_grid g ON g.no = p.grid_no
  JOIN bench_unit u ON u.district = g.district
  LEFT JOIN bench_case c ON c.no = p.i / 7 AND p.i % 7 = 0 AND p.state NOT IN (10, 11, 20)
  CROSS JOIN LATERAL (SELECT 'RX' || to_char(p.received, 'YYMMDD') || lpad((({ticket} + p.i) % 1000000)::text, 6, '0')
      AS number, CASE WHEN p.i % 6 = 0 THEN u.city[1 + (p.draw * (array_length(u.city, 1) - 1))::int]
      ELSE u.ids[1 + (p.draw * (array_length(u.ids, 1) - 1))::int] END AS unit,
    CASE WHEN NOT p.is_open THEN NULL WHEN p.state = 11 THEN now() + interval '2 days' WHEN p.state = 10
      THEN p.received + interval '1 hour' WHEN p.state IN (20, 30) THEN p.received + interval '1 day'
      ELSE p.received + interval '6 days' END AS due) made
ORDER BY p.i
"""
CASES = """
DROP TABLE IF EXISTS bench_case;
CREATE UNLOGGED TABLE bench_case AS SELECT id, row_number() OVER (ORDER BY id)::bigint AS no FROM cases_case;
ANALYZE bench_case; ANALYZE bench_plan
"""
EVENTS = """
INSERT INTO hotline_ticketevent (ticket_id, seq, action, from_state, to_state, at, actor_id, actor_name, actor_role,
  reason, data)
SELECT {ticket} + i, n, (ARRAY['receive', 'dispatch', 'reply'])[n], (ARRAY[NULL, 10, 40])[n],
  CASE n WHEN 1 THEN 10 WHEN 2 THEN 30 ELSE state END, received + interval '20 minutes' * (n - 1) * (n - 1),
  (SELECT min(id) FROM identity_person), '话务员', 'hotline_operator', '',
  '{{"clocks": [{{"did": "start", "due": "2026-11-23T01:30:00+00:00", "rule": "一般受理时限", "step": 1}}]}}'::jsonb
FROM bench_plan, generate_series(1, 3) n WHERE i > {since} AND (n = 1 OR (n = 2 AND state > 20) OR (n = 3
  AND replied IS NOT NULL))
ORDER BY i
"""
CLOCKS = """
INSERT INTO hotline_ticketclock (ticket_id, step, started_at, limit_minutes, working, due_at, stopped_at, pauses,
  extensions, on_time, rule)
SELECT {ticket} + i, n, received, 480, true, received + interval '6 days',
  CASE WHEN n = 1 AND state > 10 OR NOT is_open THEN received + interval '30 minutes' END, '[]', '[]', true, '本市规定'
FROM bench_plan, generate_series(1, 4, 3) n WHERE i > {since} AND (n = 1 OR state > 20)
ORDER BY i
"""
CONTACTS = """
INSERT INTO hotline_ticketcontact (ticket_id, name, phone)
SELECT {ticket} + i, '来电人', '199' || lpad((caller_id % 100000000)::text, 8, '0') FROM bench_plan
WHERE i > {since} AND (caller_id IS NOT NULL)
ORDER BY i
"""
READINGS = """
INSERT INTO hotline_ticketreading (ticket_id, at, label, confidence, item_code, item_confidence, unknown, whole,
  agencies, bands, automatic, reasons)
SELECT {ticket} + i, received + interval '2 seconds', class, 0.6 + pick(i, 50, 400) / 1000.0, item, 0.7, 0.01, '{{}}',
  '[]', x.bands, pick(i, 51, 10) < 6, '[]'
FROM bench_plan p JOIN bench_text x ON x.no = p.text_no WHERE i > {since} ORDER BY i
"""
UNITS = """
INSERT INTO hotline_ticketunit (ticket_id, agency_id, role, sent_at, accepted_at, replied_at, reply, end_cause)
SELECT t.id, t.agency_id, 'lead', t.dispatched_at, t.accepted_at, t.replied_at, t.reply, ''
FROM hotline_ticket t WHERE t.id > {ticket} + {since} AND t.agency_id IS NOT NULL ORDER BY t.id
"""
CALL_BACKS = """
INSERT INTO hotline_callback (ticket_id, at, reached, contacted, solved, rating, said, agency_id, counts)
SELECT id, visited_at, 'reached', contacted, solved, rating, '', agency_id, true
FROM hotline_ticket WHERE id > {ticket} + {since} AND visited_at IS NOT NULL ORDER BY id
"""
CHECKS = """
INSERT INTO hotline_qualitycheck (ticket_id, reply, agency_id, drawn_at, why, score, faults, checked_at, verdict, note)
SELECT id, reply, agency_id, replied_at + interval '1 day', 'random', 60 + id % 40,
  CASE WHEN id % 9 = 0 THEN ARRAY['no_action'] ELSE '{{}}' END,
  CASE WHEN id % 50 > 0 THEN replied_at + interval '2 days' END,
  CASE WHEN id % 50 > 0 THEN CASE WHEN id % 9 = 0 THEN 'poor' ELSE 'good' END ELSE '' END, ''
FROM hotline_ticket WHERE id > {ticket} + {since} AND replied_at < now() - interval '2 days' AND pick(id, 60,
  20) = 0 ORDER BY id
"""
CALLS = """
INSERT INTO hotline_call (partner_id, call_id, outgoing, state, caller_id, number, extension, rang_at, answered_at,
  ended_at, changed_at, recording, ticket_id, events)
SELECT (SELECT min(id) FROM hotline_partner), 'c' || i, false, 'ended', caller_id, '', '8001',
  received - interval '3 minutes',
  received - interval '170 seconds', received, received, '', {ticket} + i, '[]'
FROM bench_plan WHERE i > {since} AND (caller_id IS NOT NULL)
ORDER BY i
"""
ENTRIES = """
INSERT INTO hotline_knowledgeentry (id, state, version, agency_id, title, items, valid_from, review_on, words,
  changed_at)
SELECT {entry} + no, 'published', 1, (SELECT ids[1 + no % array_length(ids, 1)] FROM bench_unit LIMIT 1), title,
  ARRAY['010101'], current_date - 300, current_date + no % 300, cases_bigrams(title || ' ' || question || ' ' || body),
  now() - interval '1 minute' * no FROM bench_entry
"""
VERSIONS = """
INSERT INTO hotline_knowledgeversion (entry_id, number, title, question, body, source, source_number, source_date,
  items, valid_from, review_on, written_at, published_at)
SELECT {entry} + no, 1, title, question, body, '《办理规定》', '', current_date - 300, ARRAY['010101'],
  current_date - 300, current_date + 100, now(), now() FROM bench_entry ORDER BY no
"""
PUBLISHED = """
UPDATE hotline_knowledgeentry e SET published_id = v.id FROM hotline_knowledgeversion v
WHERE v.entry_id = e.id AND e.id > {entry}
"""
TIES = """
INSERT INTO hotline_topicticket (topic_id, ticket_id, person, at, by_person)
SELECT topic_id, id, 'p' || coalesce(caller_id, id), received_at, false FROM hotline_ticket
WHERE id > {ticket} AND topic_id IS NOT NULL ORDER BY topic_id, id
"""
CORRECTIONS = """
INSERT INTO hotline_correction (ticket_id, event_id, kind, label, was, now, automatic, at)
SELECT e.ticket_id, e.id, 'class', r.label, r.label, '其他', r.automatic, e.at FROM hotline_ticketevent e
JOIN hotline_ticketreading r ON r.ticket_id = e.ticket_id WHERE e.ticket_id > {ticket} AND e.seq = 2
  AND pick(e.ticket_id, 70, 100) < 3 ORDER BY e.id
"""
FOLDED = """
INSERT INTO hotline_foldedmessage (ticket_id, caller_id, query_code, why, channel, title, text, place_text, contact,
  received_at, extra)
SELECT id, caller_id, 'ABCD2345', 'repeat', 'phone', '', text, '', '', received_at, '{{}}' FROM hotline_ticket
WHERE id > {ticket} AND pick(id, 71, 50) = 0 AND caller_id IS NOT NULL ORDER BY id
"""
SEQUENCE = """
SELECT setval(pg_get_serial_sequence('hotline_ticket', 'id'), (SELECT max(id) FROM hotline_ticket)),
  setval(pg_get_serial_sequence('hotline_caller', 'id'), (SELECT max(id) FROM hotline_caller)),
  setval(pg_get_serial_sequence('hotline_topic', 'id'), (SELECT max(id) FROM hotline_topic)),
  setval(pg_get_serial_sequence('hotline_knowledgeentry', 'id'), (SELECT max(id) FROM hotline_knowledgeentry))
"""
STATEMENTS = (
    PICK, PLAN, CASES, CALLERS, TOPICS, TICKETS, EVENTS, CLOCKS, CONTACTS, READINGS, UNITS, CALL_BACKS, CHECKS, CALLS,
    ENTRIES, VERSIONS, PUBLISHED, TIES, CORRECTIONS, FOLDED, SEQUENCE,
)  # fmt: skip
