variable "project_id" {
  type = string
}

variable "project_number" {
  type = string
}

variable "services" {
  type = list(string)
}

variable "environment" {
  type = string
}

locals {
  # What a service may do in the project beside what its own resources grant it (bucket, topics, database).
  project_roles = {
    webhook-ingest  = []
    media-processor = ["roles/documentai.apiUser", "roles/speech.client"]
    ai-analyzer     = ["roles/aiplatform.user"]
    crm-dispatcher  = []
    notifier        = []
    management-api  = []
  }

  grants = merge([
    for service, roles in local.project_roles : {
      for role in concat(roles, ["roles/logging.logWriter", "roles/monitoring.metricWriter", "roles/cloudtrace.agent"]) :
      "${service} ${role}" => { service = service, role = role }
    }
  ]...)

  # Who reads and who writes tenants' credentials: secrets whose names begin with the environment's.
  secret_roles = {
    webhook-ingest  = ["roles/secretmanager.secretAccessor"]
    media-processor = ["roles/secretmanager.secretAccessor"]
    ai-analyzer     = []
    crm-dispatcher  = ["roles/secretmanager.secretAccessor"]
    notifier        = ["roles/secretmanager.secretAccessor"]
    management-api  = ["roles/secretmanager.admin"]
  }

  secret_grants = merge([
    for service, roles in local.secret_roles : {
      for role in roles : "${service} ${role}" => { service = service, role = role }
    }
  ]...)
}

resource "google_service_account" "services" {
  for_each     = toset(var.services)
  account_id   = "${var.environment}-${each.value}"
  display_name = "${each.value} (${var.environment})"
}

# Signs the calls of Pub/Sub and of the scheduler.
resource "google_service_account" "push" {
  account_id   = "${var.environment}-push"
  display_name = "Pushes wake-ups (${var.environment})"
}

resource "google_service_account" "migrator" {
  account_id   = "${var.environment}-migrator"
  display_name = "Brings the schema up to date (${var.environment})"
}

resource "google_project_iam_member" "services" {
  for_each = local.grants
  project  = var.project_id
  role     = each.value.role
  member   = google_service_account.services[each.value.service].member
}

resource "google_project_iam_member" "secrets" {
  for_each = local.secret_grants
  project  = var.project_id
  role     = each.value.role
  member   = google_service_account.services[each.value.service].member

  condition {
    title      = "this-environments-secrets"
    expression = "resource.name.startsWith(\"projects/${var.project_number}/secrets/${var.environment}-\")"
  }
}

# Projects from before April 2021 need it, and later ones are not harmed.
resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

output "accounts" {
  value = { for service, account in google_service_account.services : service => account.email }
}

output "push_account" {
  value = google_service_account.push.email
}

output "migrator" {
  value = google_service_account.migrator.email
}
