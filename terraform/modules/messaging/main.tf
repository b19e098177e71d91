variable "project_id" {
  type = string
}

variable "project_number" {
  type = string
}

variable "regions" {
  type = list(string)
}

variable "stages" {
  type = map(list(string))
}

variable "push_account" {
  type = string
}

variable "push_urls" {
  type = map(string)
}

variable "audience" {
  type = string
}

variable "events_table" {
  type = string
}

variable "accounts" {
  type = map(string)
}

locals {
  pubsub_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # The service that each stage's wake-ups are pushed to.
  services = merge([for service, stages in var.stages : { for stage in stages : stage => service }]...)

  # Everybody who settles a step opens others, so every service publishes to every stage's topic.
  publishers = merge([
    for stage in keys(local.services) : {
      for service, account in var.accounts : "${service} ${stage}" => { stage = stage, account = account }
    }
  ]...)
}

# A wake-up is a hint. One that is lost is sent again by the relay, so there is no dead-letter topic.
resource "google_pubsub_topic" "work" {
  for_each = local.services
  name     = "work-${each.key}"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_subscription" "work" {
  for_each             = local.services
  name                 = "work-${each.key}"
  topic                = google_pubsub_topic.work[each.key].id
  ack_deadline_seconds = 600

  push_config {
    push_endpoint = var.push_urls[each.value]

    oidc_token {
      service_account_email = var.push_account
      audience              = var.audience
    }
  }

  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = local.publishers
  topic    = google_pubsub_topic.work[each.value.stage].name
  role     = "roles/pubsub.publisher"
  member   = "serviceAccount:${each.value.account}"
}

resource "google_pubsub_topic" "events" {
  name                       = "request-events"
  message_retention_duration = "604800s"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic_iam_member" "events" {
  topic  = google_pubsub_topic.events.name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${var.accounts["webhook-ingest"]}"
}

# What BigQuery does not take, so that it is neither lost nor offered without end.
resource "google_pubsub_topic" "events_refused" {
  name                       = "request-events-refused"
  message_retention_duration = "2678400s"
}

resource "google_pubsub_subscription" "events_refused" {
  name                       = "request-events-refused"
  topic                      = google_pubsub_topic.events_refused.id
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "events" {
  name  = "request-events-to-bigquery"
  topic = google_pubsub_topic.events.id

  bigquery_config {
    table               = var.events_table
    use_table_schema    = true
    drop_unknown_fields = true
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.events_refused.id
    max_delivery_attempts = 20
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [google_pubsub_topic_iam_member.refused]
}

resource "google_pubsub_topic_iam_member" "refused" {
  topic  = google_pubsub_topic.events_refused.name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "events" {
  subscription = google_pubsub_subscription.events.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
