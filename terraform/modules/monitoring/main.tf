variable "project_id" {
  type = string
}

variable "environment" {
  type = string
}

variable "host" {
  type = string
}

variable "slack_channel" {
  type = string
}

variable "slack_token" {
  type      = string
  sensitive = true
}

variable "pagerduty_key" {
  type      = string
  sensitive = true
}

locals {
  has_slack     = var.slack_channel != ""
  has_pagerduty = nonsensitive(var.pagerduty_key != "")
  warned        = google_monitoring_notification_channel.slack[*].id
  called        = concat(local.warned, google_monitoring_notification_channel.pagerduty[*].id)
  ingest        = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.environment}-webhook-ingest\""
}

resource "google_monitoring_notification_channel" "slack" {
  count        = local.has_slack ? 1 : 0
  display_name = "Slack ${var.slack_channel}"
  type         = "slack"
  labels       = { channel_name = var.slack_channel }

  sensitive_labels {
    auth_token = var.slack_token
  }
}

resource "google_monitoring_notification_channel" "pagerduty" {
  count        = local.has_pagerduty ? 1 : 0
  display_name = "PagerDuty"
  type         = "pagerduty"

  sensitive_labels {
    service_key = var.pagerduty_key
  }
}

resource "google_monitoring_uptime_check_config" "ready" {
  count        = var.host == "" ? 0 : 1
  display_name = "pipeline ${var.environment}: ready"
  timeout      = "10s"
  period       = "60s"

  http_check {
    path         = "/v1/health/ready"
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = var.host
    }
  }
}

resource "google_monitoring_alert_policy" "refused" {
  display_name          = "pipeline ${var.environment}: deliveries get 5xx"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.called

  conditions {
    display_name = "webhook-ingest answers 5xx"

    condition_threshold {
      filter          = "${local.ingest} AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      comparison      = "COMPARISON_GT"
      duration        = "60s"
      threshold_value = 0

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Senders such as CallRail never repeat what is refused. Look whether Spanner answers (`/v1/health/ready`), then at the log of webhook-ingest."
  }

  alert_strategy {
    auto_close = "1800s"
  }
}

resource "google_monitoring_alert_policy" "slow" {
  display_name          = "pipeline ${var.environment}: acknowledging is slow"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.warned

  conditions {
    display_name = "95 % take over a second"

    condition_threshold {
      filter          = "${local.ingest} AND metric.type=\"run.googleapis.com/request_latencies\""
      comparison      = "COMPARISON_GT"
      duration        = "300s"
      threshold_value = 1000

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_PERCENTILE_95"
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Spanner may need more processing units: see its high-priority CPU. A tenant that floods shows in `pipeline work counts`."
  }
}

resource "google_logging_metric" "errors" {
  name   = "pipeline-${var.environment}-errors"
  filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.environment}-\" AND severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key = "service"
    }
  }

  label_extractors = {
    service = "EXTRACT(resource.labels.service_name)"
  }
}

resource "google_monitoring_alert_policy" "errors" {
  display_name          = "pipeline ${var.environment}: steps are parked"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.warned

  conditions {
    display_name = "more than 10 errors in 10 minutes"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.errors.name}\""
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 10

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "An error is logged for each step that waits for a person, and for a run of refused signatures. `pipeline work list` says which, and what to do."
  }
}

resource "google_logging_metric" "unroutable" {
  name   = "pipeline-${var.environment}-deliveries-unroutable"
  filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.environment}-webhook-ingest\" AND jsonPayload.metric=\"deliveries_unroutable_total\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key = "provider"
    }
  }

  label_extractors = {
    provider = "EXTRACT(jsonPayload.provider)"
  }
}

resource "google_monitoring_alert_policy" "unroutable" {
  display_name          = "pipeline ${var.environment}: genuine deliveries are nobody's"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.warned

  conditions {
    display_name = "a delivery of an account that no company has"

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.unroutable.name}\""
      comparison      = "COMPARISON_GT"
      duration        = "0s"
      threshold_value = 0

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.label.provider"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "An app that serves many companies posts about one that is not here: its leads are dropped. Either that company has left (uninstall the app there), or its source lacks the account: compare the account ids of the sources (`pipeline source list`) with the workspaces that have the app at the provider, and add what is missing (`pipeline source set --account`). What was dropped until then is at the provider alone: enter it by hand, or have its webhooks sent again there."
  }

  alert_strategy {
    auto_close = "1800s"
  }
}
