variable "project_id" {
  type = string
}

variable "project_number" {
  type = string
}

variable "environment" {
  type = string
}

variable "regions" {
  type = list(string)
}

variable "processing_units" {
  type = object({
    least = number
    most  = number
  })
}

variable "kept_days" {
  type = number
}

variable "is_protected" {
  type = bool
}

variable "accounts" {
  type = map(string)
}

variable "migrator" {
  type = string
}

variable "schema" {
  type = string
}

locals {
  is_two_region = length(var.regions) > 1
  # nam3 has its leaders in us-east4 and a replica in us-east1; NAM4's bucket lies in us-central1 and us-east1.
  spanner_config  = local.is_two_region ? "nam3" : "regional-${var.regions[0]}"
  bucket_location = local.is_two_region ? "NAM4" : upper(var.regions[0])
  key_location    = local.is_two_region ? "us" : var.regions[0]
  pubsub_agent    = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  storage_agent   = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"
}

resource "google_spanner_instance" "main" {
  name         = "pipeline-${var.environment}"
  config       = local.spanner_config
  display_name = "Pipeline ${var.environment}"
  edition      = local.is_two_region ? "ENTERPRISE_PLUS" : "STANDARD"
  # Standard does not scale by itself: the least of the units is what there is.
  processing_units             = local.is_two_region ? null : var.processing_units.least
  default_backup_schedule_type = "NONE"
  force_destroy                = !var.is_protected

  dynamic "autoscaling_config" {
    for_each = local.is_two_region ? [var.processing_units] : []

    content {
      autoscaling_limits {
        min_processing_units = max(1000, autoscaling_config.value.least)
        max_processing_units = autoscaling_config.value.most
      }

      autoscaling_targets {
        high_priority_cpu_utilization_percent = 65
        storage_utilization_percent           = 90
      }
    }
  }
}

# Tables come by `pipeline migrate`: Terraform would plan to replace the database where a statement is edited.
resource "google_spanner_database" "main" {
  instance                 = google_spanner_instance.main.name
  name                     = "pipeline"
  version_retention_period = "3d"
  enable_drop_protection   = var.is_protected
  deletion_protection      = var.is_protected
}

resource "google_spanner_backup_schedule" "daily" {
  instance           = google_spanner_instance.main.name
  database           = google_spanner_database.main.name
  name               = "daily"
  retention_duration = "2592000s"

  spec {
    cron_spec {
      text = "0 9 * * *"
    }
  }

  full_backup_spec {}
}

resource "google_spanner_database_iam_member" "services" {
  for_each = var.accounts
  instance = google_spanner_instance.main.name
  database = google_spanner_database.main.name
  role     = "roles/spanner.databaseUser"
  member   = "serviceAccount:${each.value}"
}

resource "google_spanner_database_iam_member" "migrator" {
  instance = google_spanner_instance.main.name
  database = google_spanner_database.main.name
  role     = "roles/spanner.databaseAdmin"
  member   = "serviceAccount:${var.migrator}"
}

resource "google_kms_key_ring" "main" {
  name     = "pipeline-${var.environment}"
  location = local.key_location
}

resource "google_kms_crypto_key" "recordings" {
  name            = "recordings"
  key_ring        = google_kms_key_ring.main.id
  rotation_period = "7776000s"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "storage" {
  crypto_key_id = google_kms_crypto_key.recordings.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = local.storage_agent
}

resource "google_storage_bucket" "recordings" {
  name                        = "${var.project_id}-${var.environment}-recordings"
  location                    = local.bucket_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.is_protected

  encryption {
    default_kms_key_name = google_kms_crypto_key.recordings.id
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "COLDLINE"
    }

    condition {
      age = 90
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = var.kept_days
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  depends_on = [google_kms_crypto_key_iam_member.storage]
}

resource "google_storage_bucket_iam_member" "media" {
  bucket = google_storage_bucket.recordings.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${var.accounts["media-processor"]}"
}

# Files of forms are downloaded through the API.
resource "google_storage_bucket_iam_member" "api" {
  bucket = google_storage_bucket.recordings.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${var.accounts["management-api"]}"
}

resource "google_bigquery_dataset" "analytics" {
  dataset_id  = "pipeline_${var.environment}"
  location    = "US"
  description = "What became of each request, for analytics"
}

resource "google_bigquery_table" "request_events" {
  dataset_id          = google_bigquery_dataset.analytics.dataset_id
  table_id            = "request_events"
  schema              = var.schema
  clustering          = ["tenant_id", "request_id"]
  deletion_protection = var.is_protected

  time_partitioning {
    type  = "DAY"
    field = "occurred_at"
  }
}

resource "google_bigquery_table_iam_member" "pubsub" {
  for_each   = toset(["roles/bigquery.dataEditor", "roles/bigquery.metadataViewer"])
  dataset_id = google_bigquery_dataset.analytics.dataset_id
  table_id   = google_bigquery_table.request_events.table_id
  role       = each.value
  member     = local.pubsub_agent
}

output "spanner_instance" {
  value = google_spanner_instance.main.name
}

output "spanner_database" {
  value = google_spanner_database.main.name
}

output "bucket" {
  value = google_storage_bucket.recordings.name
}

output "events_table" {
  value = "${var.project_id}.${google_bigquery_dataset.analytics.dataset_id}.${google_bigquery_table.request_events.table_id}"
}
