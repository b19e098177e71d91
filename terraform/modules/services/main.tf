variable "project_id" {
  type = string
}

variable "region" {
  type = string
}

variable "environment" {
  type = string
}

variable "accounts" {
  type = map(string)
}

variable "migrator" {
  type = string
}

variable "push_account" {
  type = string
}

variable "is_behind_edge" {
  description = "Whether pushes come through the load balancer, as they do in two regions."
  type        = bool
}

variable "images" {
  type = map(string)
}

variable "most_instances" {
  type = number
}

variable "shared_settings" {
  type = map(string)
}

variable "own_settings" {
  type = map(map(string))
}

variable "secret_settings" {
  type = map(map(string))
}

locals {
  # Answers 200 to every path, so that a first `apply` succeeds before there is an image.
  placeholder = "us-docker.pkg.dev/cloudrun/container/hello"

  # Who senders and people reach stands behind the load balancer alone. Its platform lets everybody through, and the
  # service itself checks each caller.
  public = toset(["webhook-ingest", "management-api"])

  sizes = {
    # Its relay and hand-overs run between requests: its processor must not be taken away, and one is always there.
    webhook-ingest  = { cpu = "1", memory = "512Mi", least = 1, concurrency = 250, is_always_on = true, timeout = "60s" }
    media-processor = { cpu = "1", memory = "512Mi", least = 0, concurrency = 32, is_always_on = false, timeout = "600s" }
    ai-analyzer     = { cpu = "1", memory = "512Mi", least = 0, concurrency = 32, is_always_on = false, timeout = "600s" }
    crm-dispatcher  = { cpu = "1", memory = "512Mi", least = 0, concurrency = 32, is_always_on = false, timeout = "600s" }
    notifier        = { cpu = "1", memory = "512Mi", least = 0, concurrency = 32, is_always_on = false, timeout = "600s" }
    # Its jobs and its index run between requests.
    management-api = { cpu = "1", memory = "512Mi", least = 1, concurrency = 250, is_always_on = true, timeout = "3600s" }
  }
}

resource "google_cloud_run_v2_service" "services" {
  for_each            = local.sizes
  name                = "${var.environment}-${each.key}"
  location            = var.region
  deletion_protection = false

  ingress = (
    contains(local.public, each.key) || var.is_behind_edge
    ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  )
  invoker_iam_disabled = contains(local.public, each.key) || var.is_behind_edge

  template {
    service_account                  = var.accounts[each.key]
    timeout                          = each.value.timeout
    max_instance_request_concurrency = each.value.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = each.value.least
      max_instance_count = var.most_instances
    }

    containers {
      image = lookup(var.images, each.key, local.placeholder)

      ports {
        name           = "h2c"
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = each.value.cpu
          memory = each.value.memory
        }
        cpu_idle          = !each.value.is_always_on
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(var.shared_settings, lookup(var.own_settings, each.key, {}))

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = lookup(var.secret_settings, each.key, {})

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.settings[env.value].secret_id
              version = "latest"
            }
          }
        }
      }

      startup_probe {
        period_seconds    = 2
        failure_threshold = 30

        http_get {
          path = "/v1/health"
        }
      }

      liveness_probe {
        period_seconds    = 30
        failure_threshold = 3

        http_get {
          path = "/v1/health"
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  # Cloud Build deploys images and moves traffic.
  lifecycle {
    ignore_changes = [client, client_version, template[0].containers[0].image, template[0].revision, traffic]
  }
}

locals {
  secret_ids = toset(flatten([for service, names in var.secret_settings : values(names)]))

  secret_readers = merge([
    for service, names in var.secret_settings : {
      for name in values(names) : "${service} ${name}" => { service = service, name = name }
    }
  ]...)
}

# Their values are added by an operator: `gcloud secrets versions add`. Terraform's state never holds one.
resource "google_secret_manager_secret" "settings" {
  for_each  = local.secret_ids
  secret_id = "${var.environment}-${var.region}-${each.value}"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "settings" {
  for_each  = local.secret_readers
  secret_id = google_secret_manager_secret.settings[each.value.name].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.accounts[each.value.service]}"
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = setsubtract(keys(local.sizes), local.public)
  name     = google_cloud_run_v2_service.services[each.value].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.push_account}"
}

# Brings the schema up to date. Cloud Build runs it before it deploys.
resource "google_cloud_run_v2_job" "migrate" {
  name                = "${var.environment}-migrate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = var.migrator
      max_retries     = 1
      timeout         = "3600s"

      containers {
        image = lookup(var.images, "migrate", local.placeholder)

        dynamic "env" {
          for_each = { for key in ["GOOGLE_PROJECT", "SPANNER_INSTANCE", "SPANNER_DATABASE"] : key => var.shared_settings[key] }

          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [client, client_version, template[0].template[0].containers[0].image]
  }
}

output "urls" {
  value = { for service, run in google_cloud_run_v2_service.services : service => run.uri }
}

output "names" {
  value = { for service, run in google_cloud_run_v2_service.services : service => run.name }
}
