// Runs the common cases with Databricks' own driver for Go, and prints the outcome of each as a line of JSON.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	dbsql "github.com/databricks/databricks-sql-go"
	"github.com/databricks/databricks-sql-go/driverctx"
	dbsqlerr "github.com/databricks/databricks-sql-go/errors"
)

// parameter is a pair of a type and a value, which may be null.
type parameter [2]*string

// testCase has the fields of a case that this client reads.
type testCase struct {
	Name       string               `json:"name"`
	Do         string               `json:"do"`
	SQL        string               `json:"sql"`
	Path       string               `json:"path"`
	Before     []string             `json:"before"`
	Positional []parameter          `json:"positional"`
	Named      map[string]parameter `json:"named"`
}

type given struct {
	Host     string     `json:"host"`
	Port     int        `json:"port"`
	HTTPPath string     `json:"httpPath"`
	Token    string     `json:"token"`
	CAFile   string     `json:"caFile"`
	Cases    []testCase `json:"cases"`
}

type client struct {
	// A pool: each of its connections is a session.
	db     *sql.DB
	folder string
}

func connect(to given) (*client, error) {
	authority, err := os.ReadFile(to.CAFile)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	// The driver transfers files with Go's default client.
	transport := http.DefaultTransport.(*http.Transport)
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	connector, err := dbsql.NewConnector(
		// Without the protocol, the driver would speak HTTP to localhost.
		dbsql.WithServerHostname("https://"+to.Host),
		dbsql.WithPort(to.Port),
		dbsql.WithHTTPPath(to.HTTPPath),
		dbsql.WithAccessToken(to.Token),
		dbsql.WithTransport(transport),
		dbsql.WithSessionParams(map[string]string{"timezone": "UTC"}),
	)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "go-client-")
	return &client{sql.OpenDB(connector), folder}, err
}

var types = map[string]dbsql.SqlType{
	"BOOLEAN": dbsql.SqlBoolean, "INT": dbsql.SqlInteger, "BIGINT": dbsql.SqlBigInt, "DOUBLE": dbsql.SqlDouble,
	"DECIMAL": dbsql.SqlDecimal, "STRING": dbsql.SqlString, "DATE": dbsql.SqlDate, "TIMESTAMP": dbsql.SqlTimestamp,
}

func argument(name string, of parameter) any {
	if of[1] == nil {
		return dbsql.Parameter{Name: name, Type: dbsql.SqlVoid}
	}
	return dbsql.Parameter{Name: name, Type: types[*of[0]], Value: *of[1]}
}

func (test testCase) arguments() []any {
	all := []any{}
	for _, one := range test.Positional {
		all = append(all, argument("", one))
	}
	for name, one := range test.Named {
		all = append(all, argument(name, one))
	}
	return all
}

// plain returns a value as text. The driver returns nested values as JSON.
func plain(value any, kind string) any {
	switch value := value.(type) {
	case nil:
		return nil
	case []byte:
		if kind == "BINARY" {
			return hex.EncodeToString(value)
		}
		return string(value)
	case sql.RawBytes:
		return plain([]byte(value), kind)
	case time.Time:
		if kind == "DATE" {
			return value.Format("2006-01-02")
		}
		return value.UTC().Format("2006-01-02 15:04:05.999999")
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(value), 'f', -1, 32)
	default:
		return fmt.Sprint(value)
	}
}

// scan reads the next row, with each value as text.
func scan(rows *sql.Rows, kinds []*sql.ColumnType) ([]any, error) {
	values := make([]any, len(kinds))
	targets := make([]any, len(kinds))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	for i, value := range values {
		values[i] = plain(value, kinds[i].DatabaseTypeName())
	}
	return values, nil
}

func (c *client) each(ctx context.Context, test testCase, do func([]any)) error {
	rows, err := c.db.QueryContext(ctx, test.SQL, test.arguments()...)
	if err != nil {
		return err
	}
	defer rows.Close()
	kinds, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, err := scan(rows, kinds)
		if err != nil {
			return err
		}
		do(row)
	}
	return rows.Err()
}

func (c *client) rows(ctx context.Context, test testCase) ([][]any, error) {
	all := [][]any{}
	err := c.each(ctx, test, func(row []any) { all = append(all, row) })
	return all, err
}

func (c *client) large(ctx context.Context, test testCase) (any, error) {
	count, sum, nulls := 0, 0, 0
	err := c.each(ctx, test, func(row []any) {
		id, _ := strconv.Atoi(row[0].(string))
		count++
		sum += id
		if row[1] == nil {
			nulls++
		}
	})
	return [][]string{{strconv.Itoa(count), strconv.Itoa(sum), strconv.Itoa(nulls)}}, err
}

func (c *client) update(ctx context.Context, test testCase) (any, error) {
	result, err := c.db.ExecContext(ctx, test.SQL, test.arguments()...)
	if err != nil {
		return nil, err
	}
	return result.RowsAffected()
}

var stateInMessage = regexp.MustCompile(`SQLSTATE: (\w{5})`)

// failure describes the error that a statement is expected to end with. The driver passes on the state of an operation, but not that of
// a statement that was refused before it became one.
func failure(err error) (any, error) {
	if err == nil {
		return nil, errors.New("there was no error")
	}
	state := ""
	var execution dbsqlerr.DBExecutionError
	if errors.As(err, &execution) && execution.SqlState() != "" {
		state = execution.SqlState()
	} else if found := stateInMessage.FindStringSubmatch(err.Error()); found != nil {
		state = found[1]
	}
	return map[string]string{"state": state, "message": err.Error()}, nil
}

func (c *client) together(ctx context.Context, test testCase) (any, error) {
	var waiting sync.WaitGroup
	found := make([]error, 3)
	for i := range found {
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			_, found[i] = c.rows(ctx, testCase{SQL: strings.ReplaceAll(test.SQL, "ID", strconv.Itoa(i))})
		}()
	}
	waiting.Wait()
	return len(found), errors.Join(found...)
}

func (c *client) cancel(ctx context.Context, test testCase) (any, error) {
	stopping, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan string)
	go func() {
		if _, err := c.rows(stopping, test); err != nil {
			ended <- "cancelled"
		} else {
			ended <- "completed"
		}
	}()
	time.Sleep(3 * time.Second)
	started := time.Now()
	stop()
	how := <-ended
	seconds := time.Since(started).Seconds()
	after, err := c.rows(ctx, testCase{SQL: "select count(*) as one from range(1)"})
	return map[string]any{"ended": how, "seconds": seconds, "after": after}, err
}

func (c *client) volume(ctx context.Context, test testCase) (any, error) {
	up, down := filepath.Join(c.folder, "up"), filepath.Join(c.folder, "down")
	content := make([]byte, 300_000)
	rand.Read(content)
	if err := os.WriteFile(up, content, 0o600); err != nil {
		return nil, err
	}
	ctx = driverctx.NewContextWithStagingInfo(ctx, []string{c.folder})
	for _, statement := range []string{
		fmt.Sprintf("PUT '%s' INTO '%s' OVERWRITE", up, test.Path),
		fmt.Sprintf("GET '%s' TO '%s'", test.Path, down),
		fmt.Sprintf("REMOVE '%s'", test.Path),
		fmt.Sprintf("REMOVE '%s'", test.Path),
	} {
		if _, err := c.db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	found, err := os.ReadFile(down)
	return bytes.Equal(found, content), err
}

func (c *client) missing(ctx context.Context, test testCase) (any, error) {
	ctx = driverctx.NewContextWithStagingInfo(ctx, []string{c.folder})
	_, err := c.db.ExecContext(ctx, fmt.Sprintf("GET '%s' TO '%s'", test.Path, filepath.Join(c.folder, "none")))
	return failure(err)
}

func (c *client) run(ctx context.Context, test testCase) (any, error) {
	for _, statement := range test.Before {
		if _, err := c.db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	switch test.Do {
	case "rows":
		return c.rows(ctx, test)
	case "large":
		return c.large(ctx, test)
	case "update":
		return c.update(ctx, test)
	case "error":
		_, err := c.rows(ctx, test)
		return failure(err)
	case "together":
		return c.together(ctx, test)
	case "cancel":
		return c.cancel(ctx, test)
	case "volume":
		return c.volume(ctx, test)
	case "missing":
		return c.missing(ctx, test)
	default:
		return nil, fmt.Errorf("this client can't do %s", test.Do)
	}
}

func main() {
	var to given
	if err := json.NewDecoder(os.Stdin).Decode(&to); err != nil {
		panic(err)
	}
	c, err := connect(to)
	if err != nil {
		panic(err)
	}
	lines := json.NewEncoder(os.Stdout)
	for _, test := range to.Cases {
		outcome := map[string]any{"name": test.Name}
		if found, err := c.run(context.Background(), test); err != nil {
			outcome["failed"] = err.Error()
		} else {
			outcome["outcome"] = found
		}
		if err := lines.Encode(outcome); err != nil {
			panic(err)
		}
	}
	c.db.Close()
	os.RemoveAll(c.folder)
}
