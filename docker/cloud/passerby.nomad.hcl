# passerby.nomad.hcl - Nomad: nodes in containers, behind whatever balancer follows Nomad's services, joined by a Redis.
#
#   nomad var put nomad/jobs/passerby redis=redis://:PASSWORD@redis.example:6379 secret="$(openssl rand -hex 32)"
#   nomad job run docker/cloud/passerby.nomad.hcl
#
# The balancer must let a WebSocket be silent for at least 60 s (nodes ping every 25): "timeout tunnel" of HAProxy, for instance.
# docker/haproxy/haproxy.cfg is one that works. Clients of Nomad need max_kill_timeout = "60s" (30 s by default), or kill_timeout,
# below, is cut down to that.
job "passerby" {
  type = "service"

  update {
    # One after the other, each when the one before is healthy; back to the old version if it doesn't become so.
    max_parallel = 1
    canary       = 1
    auto_promote = true
    auto_revert  = true
    health_check = "checks"
  }

  group "node" {
    count = 3

    # On different machines, as far as that goes.
    spread {
      attribute = "${node.unique.id}"
    }

    network {
      port "http" {
        to = 8080
      }
      port "internal" {
        to = 9090
      }
    }

    # Where the balancer finds the nodes, and whether it may send people there.
    service {
      name     = "passerby"
      port     = "http"
      provider = "nomad"

      check {
        name     = "ready"
        type     = "http"
        port     = "internal"
        path     = "/readyz"
        interval = "2s"
        timeout  = "2s"
      }
    }

    # Whether to restart it. Prometheus finds its targets here.
    service {
      name     = "passerby-internal"
      port     = "internal"
      provider = "nomad"

      check {
        name     = "live"
        type     = "http"
        path     = "/livez"
        interval = "10s"
        timeout  = "3s"

        check_restart {
          limit = 3
          grace = "30s"
        }
      }
    }

    task "passerby" {
      driver = "docker"

      config {
        image           = "ghcr.io/passerby-chat/passerby:0.1.0"
        ports           = ["http", "internal"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      # Between leaving the list of services and SIGTERM: the balancer has let go of it by then.
      shutdown_delay = "10s"
      # SIGINT would end the node at once; SIGTERM drains it.
      kill_signal = "SIGTERM"
      # More than the drain times together.
      kill_timeout = "60s"

      env {
        PASSERBY_TRUSTED_PROXIES = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
        PASSERBY_LOG_FORMAT      = "json"
        PASSERBY_DRAIN_DELAY     = "0"
        PASSERBY_DRAIN_SPREAD    = "10s"
        PASSERBY_DRAIN_TIMEOUT   = "30s"
      }

      # Kept in memory, for this task alone. As JSON, or Nomad would take quotes, a "#" and a backslash in a password for its own.
      template {
        destination = "${NOMAD_SECRETS_DIR}/passerby.env"
        env         = true
        data        = <<-END
          {{ with nomadVar "nomad/jobs/passerby" }}
          PASSERBY_REDIS={{ .redis.Value | toJSON }}
          PASSERBY_SECRET={{ .secret.Value | toJSON }}
          {{ end }}
        END
      }

      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}
