package syftevent_test

// The tests named TestDocument... go through the document of the Python package,
// heading by heading, and show that each part has its counterpart: on real
// files, with a server and a client.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A session is a running server and a client that calls it.
type session struct {
	*site
	client *syftevent.Client
}

func inSession(t *testing.T, router *syftevent.Router, test func(v *session)) {
	t.Helper()
	inBubble(t, router, func(s *site) {
		test(&session{s, &syftevent.Client{Email: clientEmail, DataDir: s.replica.DataDir()}})
	})
}

// call calls an endpoint and checks the status.
func (v *session) call(status int, method, endpoint string, body any, headers ...string) *syftevent.Response {
	v.t.Helper()
	req := request(v.t, endpoint, body)
	req.Method = method
	for i := 0; i < len(headers); i += 2 {
		req.Headers.Set(headers[i], headers[i+1])
	}
	response, err := v.client.Call(context.Background(), req)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, endpoint, err)
	}
	if response.StatusCode != status {
		v.t.Errorf("%s %s: status %d, want %d: %s", method, endpoint, response.StatusCode, status, response.Body)
	}
	return response
}

func (v *session) body(response *syftevent.Response, want string) {
	v.t.Helper()
	if got := string(response.Body); got != want {
		v.t.Errorf("body %s, want %s", got, want)
	}
}

// object is a value that is written as a JSON object.
type object = map[string]any

func TestDocumentRequestAndResponseTypes(t *testing.T) {
	u, err := syftevent.ParseURL("syft://bob@example.com/app_data/my_app/rpc/users")
	if err != nil {
		t.Fatal(err)
	}
	request := &syftevent.Request{
		ID: "unique-request-id", Sender: "alice@example.com", URL: u, Method: "POST",
		Headers: syftevent.Headers{"Content-Type": "application/json"},
		Body:    []byte(`{"action": "list_users"}`),
	}
	var in struct{ Action string }
	if err := request.DecodeJSON(&in); err != nil || in.Action != "list_users" {
		t.Errorf("%v, %v", in, err)
	}
	response, err := syftevent.JSON(200, object{"users": []string{"alice", "bob", "charlie"}})
	if err != nil || string(response.Body) != `{"users":["alice","bob","charlie"]}` {
		t.Errorf("%v, %v", response, err)
	}
	missing, err := syftevent.JSON(404, object{"error": "User not found"})
	if err != nil || missing.StatusCode != 404 {
		t.Errorf("%v, %v", missing, err)
	}
}

func TestDocumentEventRouter(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("/users", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"users": []string{"alice", "bob"}})
	})
	router.OnRequest("/data/{id}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"data_id": req.PathValue("id"), "value": 42})
	})
	router.OnRequest("/echo", echo)
	inSession(t, router, func(v *session) {
		v.body(v.call(200, "GET", "/users", nil), `{"users":["alice","bob"]}`)
		v.body(v.call(200, "GET", "/data/7", nil), `{"data_id":"7","value":42}`)
		v.body(v.call(200, "POST", "/echo", "as it is"), "as it is")
	})
}

func TestDocumentSchemaGeneration(t *testing.T) {
	type args struct {
		Limit int `json:"limit,omitempty"`
	}
	handler := syftevent.Describe("Retrieve a list of users.", syftevent.Typed(func(context.Context, args) (any, error) {
		return object{"users": []string{}}, nil
	}))
	got, err := json.Marshal(syftevent.GenerateSchema(handler))
	want := `{"description":"Retrieve a list of users.","args":{"limit":{"type":"int","required":false}},"returns":"any"}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestDocumentCleanupSystem(t *testing.T) {
	inYard(t, func(y *yard) {
		y.cleanup.Interval, y.cleanup.Expiry = 24*time.Hour, 7*24*time.Hour
		y.put("echo/"+clientEmail+"/1.request", created(8), 8)
		if err := y.cleanup.Start(context.Background()); err != nil {
			y.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if stats := y.cleanup.Stats(); stats.RequestsDeleted != 1 {
			y.t.Errorf("%v", stats)
		}
		y.cleanup.Stop()
	})
}

func TestDocumentBasicEventHandlerApplication(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("/calculate", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		if len(req.Body) == 0 {
			return syftevent.JSON(400, object{"error": "No data provided"})
		}
		var data struct{ A, B int }
		if err := req.DecodeJSON(&data); err != nil {
			return nil, err
		}
		return syftevent.JSON(200, object{"result": data.A + data.B})
	})
	inSession(t, router, func(v *session) {
		v.body(v.call(200, "POST", "/calculate", object{"a": 2, "b": 3}), `{"result":5}`)
		v.body(v.call(400, "POST", "/calculate", nil), `{"error":"No data provided"}`)
	})
}

func TestDocumentAdvancedRoutingPatterns(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("GET /items", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"items": []int{}})
	})
	router.OnRequest("POST /items", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(201, object{"created": true})
	})
	router.OnRequest("/users/{email}/profile", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"email": req.PathValue("email"), "profile": object{"name": "User Name"}})
	})
	router.OnRequest("/api/**", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, object{"api": "v1"})
	})
	inSession(t, router, func(v *session) {
		v.body(v.call(200, "GET", "/items", nil), `{"items":[]}`)
		v.body(v.call(201, "POST", "/items", nil), `{"created":true}`)
		if allow := v.call(405, "DELETE", "/items", nil).Headers.Get("Allow"); allow != "GET, HEAD, POST" {
			v.t.Errorf("Allow: %s", allow)
		}
		v.body(v.call(200, "GET", "/users/dora@example.com/profile", nil), `{"email":"dora@example.com","profile":{"name":"User Name"}}`)
		for _, endpoint := range []string{"/api", "/api/users", "/api/v1/users/7"} {
			v.body(v.call(200, "GET", endpoint, nil), `{"api":"v1"}`)
		}
	})
}

func TestDocumentRequestProcessing(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("/process", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		var data any
		switch req.Headers.Get("Content-Type") {
		case "application/json":
			if err := req.DecodeJSON(&data); err != nil {
				return nil, err
			}
		case "application/x-www-form-urlencoded":
			form, err := url.ParseQuery(req.Text())
			if err != nil {
				return nil, syftevent.Errorf(400, "not a form: %v", err)
			}
			data = form
		default:
			data = req.Body
		}
		response, err := syftevent.JSON(200, object{"processed": data, "token": req.Headers.Get("Authorization"), "sender": req.Sender})
		if err == nil {
			response.Headers.Set("X-Request-ID", req.ID)
		}
		return response, err
	})
	inSession(t, router, func(v *session) {
		response := v.call(200, "POST", "/process", `{"a":1}`, "content-type", "application/json", "authorization", "Bearer x")
		v.body(response, `{"processed":{"a":1},"sender":"alice@example.com","token":"Bearer x"}`)
		if response.Headers.Get("x-request-id") != response.ID {
			v.t.Errorf("headers %v of response %s", response.Headers, response.ID)
		}
		v.body(v.call(200, "POST", "/process", "a=1&b=2", "Content-Type", "application/x-www-form-urlencoded"),
			`{"processed":{"a":["1"],"b":["2"]},"sender":"alice@example.com","token":""}`)
		v.body(v.call(200, "POST", "/process", []byte{0, 255}), `{"processed":"AP8=","sender":"alice@example.com","token":""}`)
		v.call(400, "POST", "/process", "{", "Content-Type", "application/json")
	})
}

func TestDocumentErrorHandling(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("/protected", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		token, ok := strings.CutPrefix(req.Headers.Get("Authorization"), "Bearer ")
		if !ok {
			response, err := syftevent.JSON(401, object{"error": "Unauthorized"})
			if err == nil {
				response.Headers.Set("WWW-Authenticate", "Bearer")
			}
			return response, err
		}
		switch token {
		case "malformed":
			return nil, syftevent.Errorf(400, "bad token")
		case "broken":
			return nil, fmt.Errorf("the token database says: %s", "secret")
		}
		return syftevent.JSON(200, object{"data": "secret"})
	})
	inSession(t, router, func(v *session) {
		if response := v.call(401, "GET", "/protected", nil); response.Headers.Get("WWW-Authenticate") != "Bearer" {
			v.t.Errorf("headers %v", response.Headers)
		}
		v.body(v.call(200, "GET", "/protected", nil, "Authorization", "Bearer good"), `{"data":"secret"}`)
		v.body(v.call(400, "GET", "/protected", nil, "Authorization", "Bearer malformed"), "bad token")
		v.body(v.call(500, "GET", "/protected", nil, "Authorization", "Bearer broken"), "Internal server error. Please try again later.")
	})
}

func TestDocumentURLStructureAndExamples(t *testing.T) {
	for text, want := range map[string][3]string{
		"syft://alice@example.com/app_data/my_app/rpc/endpoint":    {"alice@example.com", "my_app", "/endpoint"},
		"syft://bob@example.com/app_data/chat/rpc/messages":        {"bob@example.com", "chat", "/messages"},
		"syft://alice@example.com/app_data/api/rpc/v1/users":       {"alice@example.com", "api", "/v1/users"},
		"syft://carol@example.com/app_data/store/rpc/products/123": {"carol@example.com", "store", "/products/123"},
	} {
		u, err := syftevent.ParseURL(text)
		if got := [3]string{u.Datasite, u.App(), u.Endpoint()}; got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
		made, err := syftevent.MakeURL(want[0], want[1], want[2])
		if made.String() != text || err != nil {
			t.Errorf("MakeURL: %s, %v; want %s", made, err, text)
		}
	}
}

func TestDocumentFileBasedCommunication(t *testing.T) {
	inSession(t, demoRouter(), func(v *session) {
		// Each sender has a folder below the endpoint's.
		for _, sender := range []string{clientEmail, "carol@example.com"} {
			v.deliver("echo/"+sender, envelope("/echo", map[string]any{"sender": sender}), fakebox.WebSocket)
			v.wait("echo/" + sender)
			files := v.names("echo/" + sender)
			if diff := cmp.Diff([]string{stem + ".request", stem + ".response"}, files); diff != "" {
				v.t.Errorf("%s (-want +got):\n%s", sender, diff)
			}
		}
		for _, name := range []string{"syft.pub.yaml", "rpc.schema.json", "echo/.syftkeep"} {
			if _, err := os.Stat(v.path(filepath.FromSlash(name))); err != nil {
				v.t.Error(err)
			}
		}
	})
}

func TestDocumentWatchingForEvents(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.server.PollInterval = time.Second // scan every second
		s.start()
		defer s.stop()
		// Both ways in which SyftBox delivers a file, and twice.
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		s.wait("echo/" + clientEmail)
		s.deliver("sum/"+clientEmail, envelope("/sum", map[string]any{"body": []byte(`{"a":1,"b":1}`)}), fakebox.BlobStore)
		if got := s.wait("sum/" + clientEmail); got.Status != 200 {
			t.Errorf("status %d", got.Status)
		}
		s.deliver("sum/"+clientEmail, envelope("/sum", nil), fakebox.WebSocket)
		time.Sleep(time.Minute)
		if stats := s.server.Stats(); stats.Answered != 2 {
			t.Errorf("%d answers to two requests", stats.Answered)
		}
	})
}
