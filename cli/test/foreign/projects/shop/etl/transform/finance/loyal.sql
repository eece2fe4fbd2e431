select customer_id from {{ ref('customers', v=2) }} where loyalty > 5
