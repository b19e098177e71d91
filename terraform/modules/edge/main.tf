variable "environment" {
  type = string
}

variable "domain" {
  type = string
}

variable "address" {
  type = string
}

variable "regions" {
  type = list(string)
}

variable "services" {
  type = list(string)
}

variable "pushed" {
  description = "The services that Pub/Sub reaches through here."
  type        = list(string)
}

variable "names" {
  description = "The Cloud Run services by region and service."
  type        = map(map(string))
}

locals {
  has_domain = var.domain != ""
  reached    = toset(concat(["webhook-ingest", "management-api"], var.pushed))

  groups = merge([
    for service in local.reached : {
      for region in var.regions : "${service} ${region}" => { service = service, region = region }
    }
  ]...)

  # What senders of webhooks call. Everything else is the API.
  hooks = ["/v1/hooks/*", "/v1/forms/*", "/v1/callrail/webhook"]
}

resource "google_compute_region_network_endpoint_group" "services" {
  for_each              = local.groups
  name                  = "pipeline-${var.environment}-${each.value.service}-${each.value.region}"
  region                = each.value.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = var.names[each.value.region][each.value.service]
  }
}

resource "google_compute_backend_service" "services" {
  for_each              = local.reached
  name                  = "pipeline-${var.environment}-${each.value}"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.edge.id

  dynamic "backend" {
    for_each = toset(var.regions)

    content {
      group = google_compute_region_network_endpoint_group.services["${each.value} ${backend.value}"].id
    }
  }

  log_config {
    enable      = true
    sample_rate = 0.1
  }

  # Serverless backends have no health checks: a region that fails is seen by its answers.
  outlier_detection {
    consecutive_errors = 5

    interval {
      seconds = 5
    }

    base_ejection_time {
      seconds = 30
    }
  }
}

# Senders share addresses (call trackers, form hosts), so the limit is far above what one of them sends. What a tenant may
# send is the service's business.
resource "google_compute_security_policy" "edge" {
  name = "pipeline-${var.environment}"

  rule {
    action      = "throttle"
    priority    = 1000
    description = "Floods from one address"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = 6000
        interval_sec = 60
      }
    }
  }

  # Preconfigured rules look at the first 8 KB of a body, and a lead's words may look like anything: they only report.
  rule {
    action      = "deny(403)"
    priority    = 2000
    preview     = true
    description = "Known attacks on web servers"

    match {
      expr {
        expression = "evaluatePreconfiguredWaf('sqli-v33-stable', {'sensitivity': 1}) || evaluatePreconfiguredWaf('lfi-v33-stable', {'sensitivity': 1})"
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Everybody else"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_url_map" "edge" {
  name            = "pipeline-${var.environment}"
  default_service = google_compute_backend_service.services["management-api"].id

  host_rule {
    hosts        = ["*"]
    path_matcher = "paths"
  }

  path_matcher {
    name            = "paths"
    default_service = google_compute_backend_service.services["management-api"].id

    path_rule {
      paths   = local.hooks
      service = google_compute_backend_service.services["webhook-ingest"].id
    }

    dynamic "path_rule" {
      for_each = toset(var.pushed)

      content {
        paths   = ["/push/${path_rule.value}"]
        service = google_compute_backend_service.services[path_rule.value].id

        route_action {
          url_rewrite {
            path_prefix_rewrite = "/internal/push"
          }
        }
      }
    }
  }
}

# Older clients than TLS 1.2 get nothing; newer ones get 1.3.
resource "google_compute_ssl_policy" "edge" {
  count           = local.has_domain ? 1 : 0
  name            = "pipeline-${var.environment}"
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_managed_ssl_certificate" "edge" {
  count = local.has_domain ? 1 : 0
  name  = "pipeline-${var.environment}"

  managed {
    domains = [var.domain]
  }
}

resource "google_compute_target_https_proxy" "edge" {
  count            = local.has_domain ? 1 : 0
  name             = "pipeline-${var.environment}"
  url_map          = google_compute_url_map.edge.id
  ssl_certificates = [google_compute_managed_ssl_certificate.edge[0].id]
  ssl_policy       = google_compute_ssl_policy.edge[0].id
}

resource "google_compute_global_forwarding_rule" "https" {
  count                 = local.has_domain ? 1 : 0
  name                  = "pipeline-${var.environment}-https"
  target                = google_compute_target_https_proxy.edge[0].id
  ip_address            = var.address
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

# With a domain, plain HTTP leads to HTTPS. Without one there is nothing to prove, and it serves.
resource "google_compute_url_map" "http" {
  count = local.has_domain ? 1 : 0
  name  = "pipeline-${var.environment}-http"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "http" {
  name    = "pipeline-${var.environment}-http"
  url_map = local.has_domain ? google_compute_url_map.http[0].id : google_compute_url_map.edge.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "pipeline-${var.environment}-http"
  target                = google_compute_target_http_proxy.http.id
  ip_address            = var.address
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
