output "address" {
  description = "Where the product is reached: point the domain's A record at it."
  value       = google_compute_global_address.public.address
}

output "url" {
  description = "What webhooks' URLs begin with."
  value       = local.public_url
}

output "images" {
  description = "Where Cloud Build pushes images."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "bucket" {
  description = "Where recordings and attachments are kept."
  value       = module.data.bucket
}
