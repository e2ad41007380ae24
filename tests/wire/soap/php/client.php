<?php
// A SOAP client by PHP's own extension; prints what it got as JSON.
ini_set('soap.wsdl_cache_enabled', '0');
$client = new SoapClient($argv[1] . '?wsdl', ['cache_wsdl' => WSDL_CACHE_NONE, 'trace' => true]);
$got = ['functions' => $client->__getFunctions()];
$header = new SoapHeader('urn:people', 'Caller', ['Unit' => 'H56']);
$got['found'] = $client->__soapCall('Find', [['PersonalId' => '012345678901']], null, $header);
$got['count'] = $client->Count('Nguyễn');
$client->Save(['PersonalId' => '012345678901', 'Name' => 'Nguyễn', 'BirthYear' => '1999', 'Home' => [
    ['Province' => '01', 'Ward' => '2', 'since' => '2020-01-01'],
]]);
try {
    $client->Find(['PersonalId' => '012345678000']);
} catch (SoapFault $fault) {
    $got['refused'] = ['code' => $fault->faultcode, 'detail' => $fault->detail];
}
try {
    $client->Find(['PersonalId' => '7']);
} catch (SoapFault $fault) {
    $got['broken'] = ['code' => $fault->faultcode, 'text' => $fault->faultstring];
}
echo json_encode($got, JSON_UNESCAPED_UNICODE);
