package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"pullphone/cmd/pullphone/config"
	"pullphone/store/etcd/etcdtest"
)

// frames carries messages as they are, when they are given as a *[]byte.
type frames struct{ encoding.CodecV2 }

func (f frames) Marshal(v any) (mem.BufferSlice, error) {
	if b, ok := v.(*[]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
	}
	return f.CodecV2.Marshal(v)
}

func (f frames) Unmarshal(data mem.BufferSlice, v any) error {
	if b, ok := v.(*[]byte); ok {
		*b = data.Materialize()
		return nil
	}
	return f.CodecV2.Unmarshal(data, v)
}

// asOld is where a node answers as an etcd 3.5 does, which says nothing of its quota.
func asOld(t *testing.T, node string) (host string) {
	t.Helper()
	codec := frames{encoding.GetCodecV2("proto")}
	to, err := grpc.NewClient(strings.TrimPrefix(node, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec)))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(codec), grpc.UnknownServiceHandler(func(_ any, in grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(in)
		md, _ := metadata.FromIncomingContext(in.Context())
		ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(in.Context(), md))
		defer cancel()
		if method == pb.Maintenance_Status_FullMethodName {
			var asked pb.StatusRequest
			if err := in.RecvMsg(&asked); err != nil {
				return err
			}
			says, err := pb.NewMaintenanceClient(to).Status(ctx, &asked)
			if err != nil {
				return err
			}
			says.Version, says.DbSizeQuota = "3.5.21", 0
			return in.SendMsg(says)
		}
		out, err := to.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		if err != nil {
			return err
		}
		go func() {
			var m []byte
			for in.RecvMsg(&m) == nil && out.SendMsg(&m) == nil {
			}
			_ = out.CloseSend() // the answers end with the stream
		}()
		for {
			var m []byte
			if err := out.RecvMsg(&m); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := in.SendMsg(&m); err != nil {
				return err
			}
		}
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }() // until it is stopped
	t.Cleanup(func() { server.Stop(); _ = to.Close() })
	return l.Addr().String()
}

// An etcd that does not say its quota, or has none, is never almost full as far as anybody knows: check says what to watch.
func TestEtcdQuotaUnknown(t *testing.T) {
	t.Parallel()
	c, err := etcdtest.Start(t.Context(), etcdtest.Options{Nodes: 1, Dir: t.TempDir(), Flags: []string{"--quota-backend-bytes=-1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	const watch = "note store: etcd before 3.6 does not say its quota (--quota-backend-bytes, 2 GB unless given): see to it that pullphone_store_bytes stays below four fifths of it\n"
	for host, old := range map[string]bool{asOld(t, c.Nodes[0].Endpoint): true, strings.TrimPrefix(c.Nodes[0].Endpoint, "http://"): false} {
		at := "etcd://" + host + "/quota"
		h := open(t, options{yaml: onEtcd(at)})
		h.release()
		_, out, errs := runs(h.ctx, "check", "--config", h.file)
		if strings.Contains(out, watch) != old || !strings.Contains(out, "ok   store: "+at+" answers") || !strings.Contains(out, " leads, its file has 0 MB, ") {
			t.Errorf("check, old %t: %s%s", old, out, errs)
		}
		db, err := newStorage(storeOf(t, at), config.Etcd{}).open(h.ctx, slog.New(slog.DiscardHandler))
		h.must(err)
		families, err := newMetrics().registry(db.Metrics()).Gather()
		h.must(err)
		seen := false
		for _, f := range families {
			seen = seen || f.GetName() == "pullphone_store_bytes"
			if f.GetName() == "pullphone_store_quota_bytes" {
				t.Errorf("old %t: the quota is %v", old, f.GetMetric())
			}
		}
		equal(t, "the size is known", seen, true)
		h.must(db.Close())
	}
}
