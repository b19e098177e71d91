locals {
  regions       = compact([var.region, var.second_region])
  is_two_region = var.second_region != ""

  # Each service, and the stages whose wake-ups are pushed to it.
  stages = {
    webhook-ingest  = ["reading"]
    media-processor = ["details", "documents", "booking", "recording", "transcript"]
    ai-analyzer     = ["analysis"]
    crm-dispatcher  = ["dispatch"]
    notifier        = ["notification"]
    management-api  = []
  }

  # What the code calls. Everything else stays off.
  apis = toset([
    "addressvalidation.googleapis.com",
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "documentai.googleapis.com",
    "geocoding-backend.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "spanner.googleapis.com",
    "speech.googleapis.com",
    "storage.googleapis.com",
  ])
}

data "google_project" "this" {
  project_id = var.project_id
  depends_on = [google_project_service.apis]
}

resource "google_project_service" "apis" {
  for_each           = local.apis
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

resource "google_artifact_registry_repository" "images" {
  location      = var.region
  repository_id = "pipeline"
  format        = "DOCKER"
  description   = "Images of the services"

  cleanup_policies {
    id     = "keep-the-last-ten"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }

  depends_on = [google_project_service.apis]
}

module "identity" {
  source         = "./modules/identity"
  project_id     = var.project_id
  project_number = data.google_project.this.number
  services       = keys(local.stages)
  environment    = var.environment
}

module "data" {
  source           = "./modules/data"
  project_id       = var.project_id
  project_number   = data.google_project.this.number
  environment      = var.environment
  regions          = local.regions
  processing_units = var.spanner_processing_units
  kept_days        = var.recordings_kept_days
  is_protected     = var.is_protected
  accounts         = module.identity.accounts
  migrator         = module.identity.migrator
  schema           = file("${path.module}/../migrations/bigquery/request_events.schema.json")
  depends_on       = [google_project_service.apis]
}

locals {
  # A name for the tokens of pushes that both sides know before any address exists.
  audience = "https://push.${var.environment}.${var.project_id}.internal"

  public_url = var.domain == "" ? "http://${google_compute_global_address.public.address}" : "https://${var.domain}"

  # In one region Pub/Sub calls the services directly. In two it calls the address behind which both are, which knows the
  # services by their paths.
  push_urls = {
    for service, stages in local.stages : service => (
      local.is_two_region
      ? "${local.public_url}/push/${service}"
      : "${module.services[var.region].urls[service]}/internal/push"
    ) if length(stages) > 0
  }

  shared_settings = {
    GOOGLE_PROJECT   = var.project_id
    SECRETS_PREFIX   = var.environment
    SPANNER_INSTANCE = module.data.spanner_instance
    SPANNER_DATABASE = module.data.spanner_database
    PUSH_ACCOUNT     = module.identity.push_account
    PUSH_AUDIENCE    = local.audience
  }

  # Only what a service reads. Services that nobody but Pub/Sub may call leave the proof of callers to Cloud Run.
  own_settings = {
    webhook-ingest = {
      PUSH_PROOF = "token"
      # The load balancer appends the client's address and its own. UNCONFIRMED for Cloud Run behind it.
      TRUSTED_PROXIES = "2"
    }
    media-processor = merge(
      {
        PUSH_PROOF           = local.worker_proof
        BLOBS_BUCKET         = module.data.bucket
        DOCUMENT_AI_BASE_URL = "https://${var.document_ai.location}-documentai.googleapis.com"
      },
      var.document_ai.form_parser == null ? {} : {
        DOCUMENT_AI_FORM_PARSER = var.document_ai.form_parser
      },
      var.document_ai.extractor == null ? {} : {
        DOCUMENT_AI_EXTRACTOR = var.document_ai.extractor
      },
    )
    ai-analyzer = {
      PUSH_PROOF = local.worker_proof
    }
    crm-dispatcher = {
      PUSH_PROOF = local.worker_proof
    }
    notifier = {
      PUSH_PROOF = local.worker_proof
    }
    management-api = merge(
      {
        PUSH_PROOF      = "token"
        TRUSTED_PROXIES = "2"
        BLOBS_BUCKET    = module.data.bucket
        PUBLIC_URL      = local.public_url
        JWT_JWKS_URL    = var.jwt.jwks_url
        JWT_ISSUER      = var.jwt.issuer
        JWT_AUDIENCE    = var.jwt.audience
      },
      var.oidc == null ? {} : {
        OIDC_ISSUER     = var.oidc.issuer
        OIDC_CLIENT_ID  = var.oidc.client_id
        PLATFORM_ADMINS = join(",", var.platform_admins)
      },
    )
  }

  worker_proof = local.is_two_region ? "token" : "platform"

  # Values of these come from Secret Manager. Terraform makes the secrets, an operator adds their values.
  secret_settings = {
    ai-analyzer = var.google_maps == false ? {} : {
      GOOGLE_MAPS_KEY = "google-maps-key"
    }
    management-api = var.oidc == null ? {} : {
      SESSION_KEY        = "session-key"
      OIDC_CLIENT_SECRET = "oidc-client-secret"
    }
  }
}

resource "google_compute_global_address" "public" {
  name       = "pipeline-${var.environment}"
  depends_on = [google_project_service.apis]
}

module "services" {
  source          = "./modules/services"
  for_each        = toset(local.regions)
  project_id      = var.project_id
  region          = each.value
  environment     = var.environment
  accounts        = module.identity.accounts
  migrator        = module.identity.migrator
  push_account    = module.identity.push_account
  is_behind_edge  = local.is_two_region
  images          = var.images
  most_instances  = var.most_instances
  shared_settings = local.shared_settings
  own_settings = {
    for service, own in local.own_settings : service => merge(own, lookup(var.settings, service, {}))
  }
  secret_settings = local.secret_settings
  depends_on      = [google_project_service.apis]
}

module "messaging" {
  source         = "./modules/messaging"
  project_id     = var.project_id
  project_number = data.google_project.this.number
  regions        = local.regions
  stages         = local.stages
  push_account   = module.identity.push_account
  push_urls      = local.push_urls
  audience       = local.audience
  events_table   = module.data.events_table
  accounts       = module.identity.accounts
  depends_on     = [google_project_service.apis]
}

module "edge" {
  source      = "./modules/edge"
  environment = var.environment
  domain      = var.domain
  address     = google_compute_global_address.public.address
  regions     = local.regions
  services    = keys(local.stages)
  pushed      = local.is_two_region ? keys(local.push_urls) : []
  names       = { for region, services in module.services : region => services.names }
}

module "monitoring" {
  source        = "./modules/monitoring"
  project_id    = var.project_id
  environment   = var.environment
  host          = var.domain
  slack_channel = var.slack_channel
  slack_token   = var.slack_token
  pagerduty_key = var.pagerduty_key
  depends_on    = [google_project_service.apis]
}

# The relay finds steps whose wake-up was lost. One runs in each instance of webhook-ingest; this call is for an hour in
# which there is none.
resource "google_cloud_scheduler_job" "relay" {
  name             = "pipeline-${var.environment}-relay"
  region           = var.region
  schedule         = "* * * * *"
  attempt_deadline = "60s"

  http_target {
    uri         = "${module.services[var.region].urls["webhook-ingest"]}/internal/relay"
    http_method = "POST"

    oidc_token {
      service_account_email = module.identity.push_account
      audience              = local.audience
    }
  }

  depends_on = [google_project_service.apis]
}
