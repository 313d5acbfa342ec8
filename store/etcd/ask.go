package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// patience is how long an operation may take that its caller does not bound tighter: an election takes one to
	// three seconds, and who waits for a webhook's answer is better off with the fallback after that.
	patience = 5 * time.Second

	// tryFor is how long one node is waited for; see conns.
	tryFor = time.Second

	// lookAround is what is left of patience to find out why.
	lookAround = 500 * time.Millisecond
)

var (
	// ErrNoQuorum means that etcd did not answer in time: too few of its nodes run, or can be reached.
	ErrNoQuorum = errors.New("etcd does not answer")
	// ErrDenied means that etcd does not know the user, or that the user may not do this.
	ErrDenied = errors.New("etcd denies access")
	// ErrFull means that etcd takes no changes because its space quota is used up.
	ErrFull = errors.New("etcd is full")

	errRights = fmt.Errorf("%w", ErrDenied) // the user is known, and may not do this

	errCompacted = errors.New("etcd: reading took longer than old revisions are kept; read again")
)

// errPatience is why a context ends that bounded has made.
var errPatience = errors.New("patience has run out")

// bounded is a context that ends when the caller's does, or patience runs out.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, patience-lookAround, errPatience)
}

// ask sends a request until it is answered, for patience at most. To do it twice must do no harm.
func ask[T any](ctx context.Context, d *DB, request func(context.Context) (T, error)) (T, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	pause := pauses()
	for {
		answer, err := try(ctx, request)
		if err == nil {
			return answer, nil
		}
		if final(err) || !rest(ctx, pause) {
			return answer, d.failure(ctx, err)
		}
	}
}

// errNoAnswer is why the context of a try ends when no answer has come.
var errNoAnswer = errors.New("no answer has come")

// try sends a request once.
func try[T any](ctx context.Context, request func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tryFor, errNoAnswer)
	defer cancel()
	return request(ctx)
}

// pauses grow, and are never the same for two that wait.
func pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 2*time.Millisecond, 200*time.Millisecond
	return b
}

// rest waits for the next pause. It is false when ctx ends first.
func rest(ctx context.Context, b *backoff.ExponentialBackOff) bool {
	t := time.NewTimer(b.NextBackOff())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// final reports whether an error is etcd's answer to the request, which it will give again.
func final(err error) bool {
	var answer rpctypes.EtcdError
	if errors.As(err, &answer) {
		return answer.Code() != codes.Unavailable && answer != rpctypes.ErrAuthOldRevision && answer != rpctypes.ErrTooManyRequests
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown, codes.Internal:
		return false
	}
	return true
}

// failure tells in a sentence that says what to do what an operation failed of whose context is given. It counts.
func (d *DB) failure(ctx context.Context, err error) error {
	class, told := d.explain(ctx, err)
	if class != "" {
		d.metrics.errors.WithLabelValues(class).Inc()
	}
	return told
}

// explain is failure without counting. class is empty for what is nobody's fault.
func (d *DB) explain(ctx context.Context, err error) (class string, told error) {
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return "", fmt.Errorf("etcd: %w", ctx.Err())
	case errors.Is(err, errOvertaken):
		return "conflict", fmt.Errorf("etcd: others changed the same keys again and again: %w", context.DeadlineExceeded)
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return "no_quorum", fmt.Errorf("%w: %w (%w)", ErrNoQuorum, ctx.Err(), err)
	case errors.Is(err, rpctypes.ErrNoSpace):
		return "full", fmt.Errorf("%w: give it a larger --quota-backend-bytes or have it compacted and defragmented, then disarm the alarm (etcdctl alarm disarm)", ErrFull)
	case errors.Is(err, rpctypes.ErrAuthFailed):
		return "denied", fmt.Errorf("%w: the password of user %q is not right, or there is no such user", ErrDenied, d.Username)
	case errors.Is(err, rpctypes.ErrUserEmpty):
		return "denied", fmt.Errorf("%w: it asks for a user and a password", ErrDenied)
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return "denied", fmt.Errorf("%w: user %q needs a role that may read and write all keys that begin with %s", errRights, d.Username, d.root)
	case errors.Is(err, rpctypes.ErrTooManyOps):
		return "other", errors.New("etcd: a change touches more keys than one transaction may; start every node with a larger --max-txn-ops")
	case errors.Is(err, rpctypes.ErrRequestTooLarge), status.Code(err) == codes.ResourceExhausted: // by the node, and by the client
		return "other", errors.New("etcd: a change is larger than one request may be (--max-request-bytes, 1.5 MB by default)")
	case errors.Is(err, rpctypes.ErrCompacted):
		return "", errCompacted // whoever reads begins anew
	case final(err):
		return "other", fmt.Errorf("etcd: %w", err)
	}
	why, _, _ := d.probes.Do("", func() (any, error) { return d.whoIsMissing(), nil })
	return "no_quorum", fmt.Errorf("%w: %s", ErrNoQuorum, why)
}

// whoIsMissing says how each node is.
func (d *DB) whoIsMissing() string {
	ctx, cancel := context.WithTimeout(context.Background(), lookAround)
	defer cancel()
	why := make([]string, len(d.Endpoints))
	var all sync.WaitGroup
	for i, url := range d.client.Endpoints() {
		all.Go(func() { why[i] = d.Endpoints[i] + " " + d.lookAt(ctx, d.Endpoints[i], url) })
	}
	all.Wait()
	told := strings.Join(why, ", ")
	if !slices.ContainsFunc(why, func(s string) bool { return !strings.HasSuffix(s, plain) }) {
		told += "; for TLS set etcd.tls, or ETCDCTL_INSECURE_TRANSPORT=false where there is no config file"
	}
	return told
}

// plain is how a node is that may want TLS.
const plain = "does not answer without TLS"

// lookAt says how a node is. It connects first by itself, because the client does not say why it could not.
func (d *DB) lookAt(ctx context.Context, endpoint, url string) string {
	var dialer interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	if d.TLS != nil {
		dialer = &tls.Dialer{Config: d.TLS}
	}
	conn, err := dialer.DialContext(ctx, "tcp", endpoint)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // without the address once more
		}
		return fmt.Sprintf("cannot be reached (%v)", err)
	}
	_ = conn.Close()
	switch s, err := d.client.Status(ctx, url); {
	case err != nil && !errors.As(err, new(rpctypes.EtcdError)) && d.TLS == nil:
		return plain
	case err != nil && !errors.As(err, new(rpctypes.EtcdError)):
		return "does not answer"
	case err == nil && s.Leader == 0:
		return "has no leader"
	}
	return "works"
}
