package etcd

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	commit    prometheus.Histogram
	errors    *prometheus.CounterVec
	conflicts prometheus.Counter
}

func newMetrics() metrics {
	return metrics{
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pullphone_store_commit_seconds", Help: "How long a commit took.", Buckets: prometheus.ExponentialBuckets(.00025, 2, 14),
		}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullphone_store_errors_total", Help: "Operations that failed for good.",
		}, []string{"class"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pullphone_store_conflicts_total", Help: "Changes that were begun anew, because somebody else had changed what they read.",
		}),
	}
}

// Metrics are of what this process does with the cluster, and of the cluster's size, for a registry.
func (d *DB) Metrics() []prometheus.Collector {
	return []prometheus.Collector{d.metrics.commit, d.metrics.errors, d.metrics.conflicts, sizes{d}}
}

// sizes collects the largest file of a node and the smallest quota: the first to be full holds up all.
type sizes struct{ *DB }

var (
	bytesDesc = prometheus.NewDesc("pullphone_store_bytes", "Size of the largest file of an etcd node.", nil, nil)
	quotaDesc = prometheus.NewDesc("pullphone_store_quota_bytes", "Size that such a file may have.", nil, nil)
)

// Describe implements prometheus.Collector.
func (sizes) Describe(ch chan<- *prometheus.Desc) { ch <- bytesDesc; ch <- quotaDesc }

// Collect implements prometheus.Collector. It asks the nodes; what none of them says is left out.
func (s sizes) Collect(ch chan<- prometheus.Metric) {
	now, _ := s.Status(context.Background()) // the members' part of it is there in any case
	var size, quota int64
	for _, m := range now.Members {
		size = max(size, m.Size)
		if m.Quota > 0 && (quota == 0 || m.Quota < quota) {
			quota = m.Quota
		}
	}
	if size != 0 {
		ch <- prometheus.MustNewConstMetric(bytesDesc, prometheus.GaugeValue, float64(size))
	}
	if quota != 0 {
		ch <- prometheus.MustNewConstMetric(quotaDesc, prometheus.GaugeValue, float64(quota))
	}
}
