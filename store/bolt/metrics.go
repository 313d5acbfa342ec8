package bolt

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
)

type metrics struct {
	commit prometheus.Histogram
	errors *prometheus.CounterVec
}

func newMetrics() metrics {
	return metrics{
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pullphone_store_commit_seconds", Help: "How long a commit took.", Buckets: prometheus.ExponentialBuckets(.00025, 2, 14),
		}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullphone_store_errors_total", Help: "Commits that failed.",
		}, []string{"class"}),
	}
}

// Metrics are the file's, for a registry.
func (d *DB) Metrics() []prometheus.Collector {
	gauge := func(name, help string, value func(*bbolt.Tx) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pullphone_store_" + name, Help: help}, func() (v float64) {
			_ = d.view(func(tx *bbolt.Tx) error { // fails only when the file is closed
				v = value(tx)
				return nil
			})
			return v
		})
	}
	return []prometheus.Collector{
		d.metrics.commit, d.metrics.errors,
		gauge("bytes", "Size of the file.", func(tx *bbolt.Tx) float64 { return float64(tx.Size()) }),
		gauge("free_pages", "Pages of the file that hold nothing.", func(tx *bbolt.Tx) float64 {
			stats := tx.DB().Stats()
			return float64(stats.FreePageN + stats.PendingPageN)
		}),
	}
}

// class names a failure in a label.
func class(err error) string {
	if full(err) {
		return "full"
	}
	return "write"
}
