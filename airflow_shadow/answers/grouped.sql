-- One row for each request: a group, not a join, so that nothing is ever multiplied.
-- DuckDB and Spark run this text as it stands. Filled in: `slice`, `sides`, the answers of both
-- sides, and `inference_id` and `event_id` of production's record where something is found by them.
SELECT {slice} AS slice, how, join_key, slot, state,
       CAST(SUM(CASE WHEN side = 'production' THEN weight ELSE 0 END) AS BIGINT) AS p_n,
       CAST(SUM(CASE WHEN side = 'shadow' THEN weight ELSE 0 END) AS BIGINT) AS s_n,
       CAST(SUM(copies - weight + again * weight) AS BIGINT) AS repeated,
       MIN(CASE WHEN side = 'production' THEN at_ms END) AS p_at,
       MIN(CASE WHEN side = 'shadow' THEN at_ms END) AS s_at,
       {sides}
       {inference_id} AS inference_id,
       {event_id} AS event_id
FROM keyed
GROUP BY how, join_key, slot, state
