-- Whether both sides have inferenceIds. DuckDB and Spark run this text as it stands.
SELECT COUNT(DISTINCT side) AS sides
FROM capture
WHERE at_ms IS NOT NULL AND inference_id IS NOT NULL
