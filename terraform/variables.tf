variable "project_id" {
  description = "The Google Cloud project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 small letters, digits and hyphens: `gcloud projects list` shows yours."
  }
}

variable "region" {
  description = "The region of the services, of their secrets and of one-region data."
  type        = string
  default     = "us-central1"
}

variable "second_region" {
  description = "A second region. With it, data is kept in both, and both serve behind one address. Empty: one region."
  type        = string
  default     = ""
}

variable "domain" {
  description = "The name that webhooks and people reach the product by, as in leads.example.com. Empty: plain HTTP at the address that `terraform output address` shows, for a first try alone."
  type        = string
  default     = ""
}

variable "environment" {
  description = "What tells installations in one project apart. It begins the names of secrets."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "An environment's name has 2 to 12 small letters and digits."
  }
}

variable "images" {
  description = "Images by service, by digest. Services without one start with a placeholder until Cloud Build deploys."
  type        = map(string)
  default     = {}
}

variable "spanner_processing_units" {
  description = "The least and the most of Spanner's processing units. 100 are enough for a few leads a second."
  type = object({
    least = number
    most  = number
  })
  default = {
    least = 100
    most  = 3000
  }
}

variable "most_instances" {
  description = "The most instances of each service in each region."
  type        = number
  default     = 1000
}

variable "recordings_kept_days" {
  description = "How long recordings and attachments are kept."
  type        = number
  default     = 730
}

variable "jwt" {
  description = "Who issues the API's tokens: where its keys are, its `iss`, and our `aud`."
  type = object({
    jwks_url = string
    issuer   = string
    audience = string
  })
  default = {
    jwks_url = "https://www.googleapis.com/oauth2/v3/certs"
    issuer   = "https://accounts.google.com"
    audience = "pipeline"
  }
}

variable "document_ai" {
  description = "The Document AI processors that read the files of forms, by their names, and their location. Without one, files are kept and not read."
  type = object({
    location    = optional(string, "us")
    form_parser = optional(string)
    extractor   = optional(string)
  })
  default = {}
}

variable "oidc" {
  description = "The OpenID Connect issuer that people sign in at. Its client secret is the secret `oidc-client-secret`."
  type = object({
    issuer    = string
    client_id = string
  })
  default = null
}

variable "google_maps" {
  description = "Whether addresses are looked up on Google Maps. The API key is the secret `google-maps-key`."
  type        = bool
  default     = false
}

variable "platform_admins" {
  description = "E-mail addresses of who administers the platform."
  type        = list(string)
  default     = []
}

variable "slack_channel" {
  description = "The Slack channel of alerts, as in #alerts. Its token is `slack_token`. Empty: none."
  type        = string
  default     = ""
}

variable "slack_token" {
  description = "The token of Google's Slack app, from the console's notification channels."
  type        = string
  default     = ""
  sensitive   = true
}

variable "pagerduty_key" {
  description = "The integration key of a PagerDuty service for critical alerts. Empty: none."
  type        = string
  default     = ""
  sensitive   = true
}

variable "settings" {
  description = "Further settings by service, as in { webhook-ingest = { LOG_LEVEL = \"debug\" } }. `.env.example` says which there are."
  type        = map(map(string))
  default     = {}
}

variable "is_protected" {
  description = "Whether database, bucket and dataset refuse to be destroyed."
  type        = bool
  default     = true
}
