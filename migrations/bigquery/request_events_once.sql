-- Each event once: the topic is delivered at least once. `${dataset}` is filled in by whoever creates the view.
-- The table is partitioned by day of `occurred_at` and clustered by tenant and type.
CREATE OR REPLACE VIEW `${dataset}.request_events_once` AS
SELECT * EXCEPT (subscription_name, message_id, publish_time, attributes)
FROM `${dataset}.request_events`
QUALIFY ROW_NUMBER() OVER (PARTITION BY tenant_id, event_id ORDER BY publish_time) = 1;
