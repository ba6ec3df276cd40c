-- How many eventIds are on both sides, of one request each, among those that no inferenceId joins.
-- DuckDB and Spark run this text as it stands. Filled in: `ids` whether inferenceIds join.
SELECT COUNT(*) AS events
FROM (SELECT event_id
      FROM (SELECT event_id, side, input_key, at_ms
            FROM capture
            WHERE at_ms IS NOT NULL AND event_id IS NOT NULL
              AND (inference_id IS NULL OR NOT {ids})) AS open_record
      GROUP BY event_id
      HAVING COALESCE(MIN(input_key) = MAX(input_key), TRUE)
         AND MIN(CASE WHEN side = 'production' THEN at_ms END)
                 = MAX(CASE WHEN side = 'production' THEN at_ms END)
         AND MIN(CASE WHEN side = 'shadow' THEN at_ms END)
                 = MAX(CASE WHEN side = 'shadow' THEN at_ms END)) AS both_sides
