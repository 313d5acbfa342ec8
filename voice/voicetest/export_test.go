package voicetest

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// CheckResponse holds an answer of the API against Twilio's description.
func CheckResponse(method, path string, status int, body []byte) error {
	rt, params, _ := route(method, path)
	if rt == nil {
		return nil
	}
	return checkResponse(context.Background(), rt, params, status, body)
}

// Conn is what a dial function returns.
type Conn = net.Conn

// Refused is the error of a connection nobody listens for.
var Refused = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

// SetDial replaces the way webhooks connect.
func SetDial(n *Network, dial func(ctx context.Context, network, addr string) (Conn, error)) {
	n.client.Transport.(*http.Transport).DialContext = dial
}
